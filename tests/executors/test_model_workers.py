"""Units that need GPUs run on actors that stay; the nodes' GPUs are Ray's logical ones."""

import threading

import pytest
import ray

from refinery.errors import RunError
from refinery.executors.base import BASE_MEMORY, Unit, run_units
from tests.executors import units
from tests.ray_cluster import wait_for

pytestmark = [
    pytest.mark.services,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # sockets that Ray leaves
]


def on_gpus(folder, gpus: float, count: int = 8) -> list[Unit]:
    return [Unit(f"n{n}", (n, str(folder)), gpus=gpus) for n in range(count)]


def test_workers_stay_from_unit_to_unit(executor):
    """One processor beside the GPUs: one process does all units, in order of the units."""
    found = run_units(executor, units.process, [Unit(f"n{n}", n, gpus=1.0) for n in range(8)])
    assert [number for number, _ in found] == list(range(8))
    assert len({pid for _, pid in found}) == 1


def test_a_lost_worker_is_replaced_and_its_unit_tried_again(executor, tmp_path):
    """No other unit is lost with it."""
    assert run_units(executor, units.die_once, on_gpus(tmp_path, 0.5)) == list(range(8))
    assert (tmp_path / "died-2").exists()


def test_processors_are_free_again_afterwards(executor):
    """Units without GPUs find all three."""
    run_units(executor, units.square, [Unit("one", 3, gpus=1.0)])
    assert run_units(executor, units.square, [Unit(f"n{n}", n) for n in range(20)]) == [
        n * n for n in range(20)
    ]


def test_more_gpus_than_a_node_has(executor):
    """Told at once, not waited for."""
    with pytest.raises(RunError, match="needs 3 of a GPU"):
        run_units(executor, units.square, [Unit("one", 3, gpus=3.0)])


def test_memory_is_that_of_the_nodes_with_gpus(executor, add_node):
    """A worker that would need more than any of them has gets what there is; Ray could place no larger one."""
    add_node(memory=16 << 30)
    assert run_units(executor, units.square, [Unit("one", 3, gpus=1.0, memory=8 << 30)]) == [9]


@pytest.fixture
def gpu_node(add_node):
    """A further node, with more processors than GPUs; a test that has connected by then may remove it."""
    return add_node(num_cpus=4, num_gpus=2)


def test_a_part_of_a_gpu_is_of_one_device(executor, gpu_node):
    """Two devices hold two workers with 0.6 of a GPU; a unit given to a third would never end."""
    found = run_units(executor, units.process, [Unit(f"n{n}", n, gpus=0.6) for n in range(12)])
    assert [number for number, _ in found] == list(range(12))


def test_a_node_with_gpus_is_gone_for_good(cluster, executor, gpu_node, tmp_path):
    """Its units run on the GPUs that are left, and none is given to a worker that cannot be placed."""

    def remove_when_begun():
        try:
            begun, *_ = wait_for(lambda: list(tmp_path.glob(f"began-*-{gpu_node.node_id}")))
            cluster.remove_node(gpu_node)
            lost = int(begun.name.split("-")[1])
            for other in set(range(8)) - {lost}:  # the one worker that is left does these as well
                (tmp_path / f"go-{other}").touch()
            wait_for(lambda: len(list(tmp_path.glob(f"began-{lost}-*"))) > 1)
        finally:
            (tmp_path / "go").touch()

    remover = threading.Thread(target=remove_when_begun)
    remover.start()
    found = run_units(executor, units.wait_for, on_gpus(tmp_path, 1.0))
    remover.join()
    assert len(found) == 8
    assert gpu_node.node_id not in found


class Holder:
    """An actor of another job."""

    def ready(self):
        pass


@pytest.fixture
def impatient(monkeypatch):
    """A person is told soon."""
    monkeypatch.setattr("refinery.executors.ray.IMPATIENT", 0.5)


def test_units_that_wait_for_gpus_are_told_of(impatient, executor):
    """Another job holds the GPUs: a person is told, and the unit runs when they are free."""
    holder = ray.remote(Holder).options(num_cpus=0, num_gpus=2).remote()
    ray.get(holder.ready.remote())
    told = []

    def tell(message):
        told.append(message)
        ray.kill(holder)

    executor.tell = tell
    assert run_units(executor, units.square, [Unit("one", 3, gpus=1.0)]) == [9]
    assert told[0] == ("Waiting for the cluster: no worker with 1 of a GPU could be started; 1 units wait.")


def test_memory_is_reserved_and_twice_as_much_after_it_ran_out(executor):
    """As for any other unit: a guess from its size."""
    found = []
    for doublings in (0, 1):
        executor.submit(0, units.reserved, Unit("one", None, 1 << 30, gpus=1.0), doublings)
        while not (ended := executor.wait()):
            pass
        found += [attempt.outcome for _, attempt in ended]
    guess = BASE_MEMORY + (1 << 30)
    assert found == [guess, 2 * guess]
