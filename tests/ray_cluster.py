"""A Ray cluster of three node processes with one processor each, on this machine; every process of it is ended."""

import gc
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from refinery.cli import main; main()"]
NODE = {"num_cpus": 1, "memory": 4 << 30, "object_store_memory": 80 << 20}


def end_cluster(made) -> None:
    """Ends every process; Ray leaves sockets to the garbage collector, which warns of them."""
    made.shutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def start_cluster(nodes: int = 3, **head: object):
    """A running cluster; workers find the tests' modules."""
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'src'}"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ |= {"RAY_health_check_period_ms": "500"}  # a node that is killed is missed in 3 s, not in 15
    made = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False, **head})
    for _ in range(nodes - 1):
        made.add_node(wait=False, **NODE)
    made.wait_for_nodes()
    return made


@pytest.fixture(scope="session")
def cluster() -> Iterator[object]:
    """Three nodes that nobody kills."""
    made = start_cluster(num_gpus=2)
    yield made
    end_cluster(made)


@pytest.fixture
def add_node(cluster) -> Iterator[Callable[..., object]]:
    """Adds nodes like the others but for what is given; a test may remove them, and after it they are gone."""
    added = []

    def add(**other: object):
        added.append(cluster.add_node(**{**NODE, **other}))
        return added[-1]

    yield add
    for node in added:
        if node in cluster.list_all_nodes():
            cluster.remove_node(node)
    cluster.wait_for_nodes()


@pytest.fixture
def executor(cluster) -> Iterator[object]:
    """A connection to the cluster from this process."""
    from refinery.executors.choose import on_ray

    made = on_ray(None, cluster.address)
    yield made
    made.close()


@pytest.fixture
def command(cluster) -> Callable[..., tuple[int, str, str]]:
    """`refinery` in a process of its own, on a node of the cluster: (exit code, standard output, standard error)."""

    def call(*arguments: object, cwd: Path, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return call


def wait_for(condition, seconds=120):
    """Waits until something is so; what the condition gave."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "what the test waits for did not happen"
        time.sleep(0.01)
    return found
