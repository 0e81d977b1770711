"""Workers, nodes and drivers of a Ray cluster are killed in mid-run: the bytes are those of a run on this machine."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import ERROR, IDENTICAL
from tests.faults.repository import COMMAND, LOGGED, clear, ends_well, start
from tests.ray_cluster import NODE, end_cluster, start_cluster

IMPATIENT = (
    sys.executable,
    "-c",
    "from refinery.executors import nodes; nodes.GONE = 1.0; from refinery.cli import main; main()",
)

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # sockets that Ray leaves
]


@pytest.fixture(scope="module")
def cluster():
    """Three nodes of one processor each."""
    made = start_cluster(3)
    yield made
    end_cluster(made)


@pytest.fixture
def begin(cluster):
    """Starts a run on the cluster."""
    return lambda folder: start(folder, "--executor", "ray", "--address", cluster.address, workers=None)


@pytest.fixture
def begun_anew(begin, seed):
    """Starts a run from nothing on the cluster and waits for some moment of it."""

    def to_moment(folder, number):
        clear(folder)
        begun = begin(folder)
        assert begun.reach(random.Random(f"{seed} {number}").randrange(LOGGED))
        return begun

    return to_moment


def workers(cluster) -> list[int]:
    """Processes of the cluster that run units or wait for some: Ray gives them a name, and its agents too."""
    raylets = {node.all_processes["raylet"][0].process.pid for node in cluster.list_all_nodes()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            title = (process / "cmdline").read_bytes().strip(b"\0")
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent in raylets and title.startswith(b"ray::") and not title.endswith(b"Agent"):
            found.append(int(process.name))
    return found


def test_workers_are_killed(disturbed, cluster, begun_anew, times, outcome):
    """kill -9 of all workers at that moment."""
    folder, expected = disturbed
    for number in times(1):
        begun = begun_anew(folder, number)
        assert begun.wait_for(lambda: workers(cluster))
        for worker in workers(cluster):
            os.kill(worker, signal.SIGKILL)
        ends_well(folder, expected, begun)
        outcome("Ray: workers killed", IDENTICAL)


def test_a_node_is_killed(disturbed, cluster, begun_anew, times, outcome):
    """kill -9 of a raylet, with which its workers end; another node joins."""
    folder, expected = disturbed
    for number in times(1):
        begun = begun_anew(folder, number)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(**NODE)
        ends_well(folder, expected, begun)
        outcome("Ray: node killed, another joins", IDENTICAL)


def test_the_driver_is_killed(disturbed, begin, begun_anew, times, outcome):
    """The same command goes on with what the cluster had done, there or on this machine."""
    folder, expected = disturbed
    for number in times(2):
        begun = begun_anew(folder, number)
        begun.kill()
        if number % 2:
            ends_well(folder, expected, begin(folder))
        else:
            ends_well(folder, expected, start(folder, workers=2))
        outcome(f"Ray: driver killed, then {'Ray' if number % 2 else 'this machine'}", IDENTICAL)


def test_the_head_node_is_killed(disturbed, outcome):
    """The run ends with an error that names the cluster, before Ray ends it without one; another goes on here."""
    folder, expected = disturbed
    clear(folder)
    cluster = start_cluster(1)
    try:
        begun = start(folder, "--address", cluster.address, workers=None, program=IMPATIENT)
        assert begun.reach(20)
        cluster.head_node.kill_gcs_server(check_alive=False)
        cluster.head_node.kill_raylet(check_alive=False)
        code, err = begun.finish()
    finally:
        end_cluster(cluster)
    assert code == 1
    assert err.startswith("error: the Ray cluster at")
    assert "is gone: Connection refused" in err
    outcome("Ray: head node killed", ERROR)
    ends_well(folder, expected, start(folder, workers=2))


def test_shared_memory_is_small(disturbed, outcome):
    """As a container has it, 64 MiB: what Ray keeps does not need more, since documents move through files."""
    folder, expected = disturbed
    clear(folder)
    small = 'mount -t tmpfs -o size=64m tmpfs /dev/shm && exec "$@"'
    program = ("unshare", "--mount", "sh", "-c", small, "sh", *COMMAND)
    if subprocess.run([*program[:4], small, "sh", "true"], capture_output=True, check=False).returncode:
        pytest.skip("a mount of its own is not permitted here")
    ray = ("--executor", "ray", "--address", "local")  # the cluster of the other tests is not looked for
    ends_well(folder, expected, start(folder, *ray, program=program, workers=2))
    outcome("Ray: 64 MiB of shared memory", IDENTICAL)
