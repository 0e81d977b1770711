"""kill -9 between the results of recall, of a driver here and of a node of a Ray cluster: the bytes are the same."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import IDENTICAL
from tests.faults.repository import Running, content, leftovers, run, start
from tests.ray_cluster import NODE, end_cluster, start_cluster
from tests.run.test_recalled import made_files, write

OUTPUTS = ("out", "out.records")
Whole = tuple[Path, dict[str, str], dict[str, bytes]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A repository whose definition recalls, and what a run that nothing disturbed makes there."""
    folder = tmp_path_factory.mktemp("recalled")
    write(folder)
    code, err = run(folder)
    assert code == 0, err
    return folder, content(folder, OUTPUTS), made_files(folder)


def clear(folder: Path) -> None:
    """Removes what runs have left."""
    for name in (*OUTPUTS, ".refinery"):
        shutil.rmtree(folder / name, ignore_errors=True)


def made(folder: Path) -> int:
    """How many of sample, rounds and model are there."""
    return len(list((folder / ".refinery/made").glob("*/record.json")))


def ends_well(whole: Whole, begun: Running) -> None:
    """The run goes on to the expected bytes."""
    folder, expected, models = whole
    code, err = begun.finish()
    assert code == 0, err
    assert content(folder, OUTPUTS) == expected
    assert made_files(folder) == models
    assert leftovers(folder) == []


def test_the_driver_is_killed_between_rounds(whole: Whole, outcome) -> None:
    """After the sample and after the first round: what is there stays as it is, to the byte and the time."""
    folder = whole[0]
    clear(folder)
    for there in (1, 2):
        begun = start(folder, workers=2)
        assert begun.wait_for(lambda there=there: made(folder) >= there)
        begun.kill()
        before = {file: file.stat().st_mtime_ns for file in (folder / ".refinery/made").glob("*/record.json")}
        assert len(before) >= there
    ends_well(whole, start(folder, workers=1))
    assert all(file.stat().st_mtime_ns == time for file, time in before.items())
    outcome("recall: driver killed between rounds", IDENTICAL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sockets that Ray leaves
def test_a_node_is_killed_in_a_round(whole: Whole, outcome) -> None:
    """Another joins, and the run goes on by itself."""
    folder = whole[0]
    clear(folder)
    cluster = start_cluster(3)
    try:
        begun = start(folder, "--executor", "ray", "--address", cluster.address, workers=None)
        assert begun.wait_for(lambda: made(folder) >= 1)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(**NODE)
        ends_well(whole, begun)
    finally:
        end_cluster(cluster)
    outcome("recall on Ray: node killed in a round", IDENTICAL)
