"""Nodes that die and memory that runs out."""

import sys
import threading
from pathlib import Path

import pytest

from refinery.errors import UnitFailed
from refinery.executors.base import Unit, run_units
from refinery.executors.choose import on_ray
from refinery.executors.ray import LARGE
from tests.executors import units
from tests.ray_cluster import end_cluster, start_cluster, wait_for


@pytest.fixture
def connected():
    """A connection to a cluster of one node, of its own."""
    cluster = start_cluster(1)
    try:
        executor = on_ray(None, cluster.address)
        try:
            yield executor
        finally:
            executor.close()
    finally:
        end_cluster(cluster)


def test_a_node_dies_in_mid_unit(cluster, executor, add_node, tmp_path):
    """Its unit is run again on another node; a node that joins later is used."""
    doomed = add_node()
    killer = threading.Thread(target=kill_when_begun, args=(cluster, doomed, tmp_path))
    killer.start()
    found = run_units(executor, units.wait_for, [Unit(f"n{n}", (n, str(tmp_path))) for n in range(5)])
    killer.join()
    assert len(found) == 5
    assert doomed.node_id not in found
    joined = add_node()
    (later := tmp_path / "later").mkdir()
    opener = threading.Thread(target=go_when_begun, args=(joined, later))
    opener.start()
    found = run_units(executor, units.wait_for, [Unit(f"n{n}", (n, str(later)), LARGE) for n in range(5)])
    opener.join()
    assert joined.node_id in found


def kill_when_begun(cluster, node, folder: Path) -> None:
    """Removes the node once a unit runs on it, and lets units go on when that one has begun elsewhere."""
    try:
        (begun,) = wait_for(lambda: list(folder.glob(f"began-*-{node.node_id}")))
        cluster.remove_node(node, allow_graceful=False)
        number = begun.name.split("-")[1]
        for other in {"0", "1", "2", "3", "4"} - {number}:
            (folder / f"go-{other}").touch()
        wait_for(lambda: len(list(folder.glob(f"began-{number}-*"))) > 1)
    finally:
        (folder / "go").touch()


def go_when_begun(node, folder: Path) -> None:
    """Lets units go on once one has begun on the node."""
    try:
        wait_for(lambda: list(folder.glob(f"began-*-{node.node_id}")))
    finally:
        (folder / "go").touch()


ALLOWED = 7 << 29  # bytes that may still be taken, by whatever process, before Ray kills


@pytest.fixture
def little_memory(monkeypatch):
    """Clusters that are started now kill workers when so much more is used."""
    meminfo = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(meminfo[name].split()[0]) << 10 for name in ("MemTotal", "MemAvailable"))
    monkeypatch.setenv("RAY_memory_usage_threshold", str(round((total - available + ALLOWED) / total, 4)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/meminfo")
def test_a_unit_that_runs_out_of_memory_gets_twice_as_much_once(little_memory, connected, tmp_path):
    """Ray's monitor kills it for real, twice; it fails by its name and tells what was tried."""
    hungry = Unit("hungry", (str(tmp_path), 2 * ALLOWED))
    told = r"hungry: ran out of memory 2 times, .* 1.7 GB reserved"
    with pytest.raises(UnitFailed, match=told) as caught:
        run_units(connected, units.eat, [hungry])
    assert "the largest node offers 4.3 GB" in str(caught.value)
    # where others fill the machine a worker may also be killed that used less than was reserved, and is tried again
    assert (tmp_path / "tried").read_text() in {"xx", "xxx"}
