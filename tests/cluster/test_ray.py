"""Units on a real Ray cluster of three node processes, with workers and nodes that really die."""

import pytest
import ray

from refinery.errors import InputError, UnitFailed
from refinery.executors.base import Unit, run_units
from refinery.executors.choose import on_ray
from refinery.executors.ray import RayExecutor
from tests.cluster import units


def numbered(folder, count=6) -> list[Unit]:
    return [Unit(f"n{n}", (n, str(folder))) for n in range(count)]


def test_results_come_in_the_order_of_the_units(executor):
    """Whatever ends first; the window is the cluster's processors."""
    assert executor.slots == 3
    assert run_units(executor, units.square, [Unit(f"n{n}", n) for n in range(50)]) == [
        n * n for n in range(50)
    ]


def test_a_worker_tells_time_memory_and_place(executor):
    """Every attempt comes with what it took and where."""
    seen = Seen()
    run_units(executor, units.square, [Unit("one", 3)], seen)
    ((name, attempt, ended),) = seen.attempts
    assert (name, attempt, ended.outcome) == ("one", 1, 9)
    assert ended.memory > 10 << 20
    assert ended.started > 0
    assert ended.worker.rpartition(":")[2].isdigit()


class Seen:
    """Every attempt that a watcher is told of."""

    def __init__(self):
        self.attempts = []

    def begun(self, unit, attempt):
        pass

    def ended(self, unit, attempt, ended):
        self.attempts.append((unit.name, attempt, ended))


def test_bad_input_is_not_tried_again(executor, tmp_path):
    """The error comes out with its fields, after one attempt."""
    with pytest.raises(InputError) as caught:
        run_units(executor, units.fail_on_three, numbered(tmp_path))
    assert type(caught.value) is InputError
    assert (caught.value.place, caught.value.hint) == ("unit 3", "try another")
    assert (tmp_path / "tried-3").read_text() == "x"


def test_a_transient_failure_is_tried_again(executor, tmp_path):
    """What the storage marks as transient is retried."""
    assert run_units(executor, units.fail_for_the_moment, numbered(tmp_path)) == list(range(6))
    assert (tmp_path / "failed-2").exists()


def test_a_killed_worker_costs_one_retry_of_one_unit(executor, tmp_path):
    """SIGKILL in mid-unit; no other unit is tried twice."""
    seen = Seen()
    assert run_units(executor, units.die_once, numbered(tmp_path), seen) == list(range(6))
    assert (tmp_path / "died-2").exists()
    assert sorted(name for name, _, _ in seen.attempts) == sorted([*(f"n{n}" for n in range(6)), "n2"])


def test_a_unit_that_kills_its_worker_each_time_fails_by_name(executor):
    """The others are finished."""
    seen = Seen()
    with pytest.raises(UnitFailed, match="n1: its worker process died 3 times: WorkerCrashedError"):
        run_units(executor, units.die_always, [Unit(f"n{n}", n) for n in range(6)], seen)
    assert {name for name, _, ended in seen.attempts if not isinstance(ended.outcome, Exception)} == {
        f"n{n}" for n in (0, 2, 3, 4, 5)
    }


def test_units_have_one_thread(executor):
    """Libraries in a worker start no threads of their own."""
    assert run_units(executor, units.threads, [Unit("one", None)]) == [(1, "1")]


def test_a_machine_is_prepared_once(executor, tmp_path):
    """The first worker prepares, those of other nodes on this machine find it done."""
    executor.prepare(units.mark_machine, str(tmp_path))
    run_units(executor, units.square, [Unit(f"n{n}", n, 1 << 20) for n in range(12)])
    assert (tmp_path / "prepared").read_text() == "x"


def test_everywhere_is_every_node(executor):
    """A call reaches each of the three nodes."""
    assert list(executor.everywhere(units.square, 7).values()) == [49, 49, 49]


def test_a_connection_that_is_there_is_used_and_left(cluster):
    """A program that uses Ray keeps its connection."""
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        joined = on_ray(None, None)
        assert run_units(joined, units.square, [Unit("one", 2)]) == [4]
        joined.close()
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_the_cluster_lives_on(cluster, executor):
    """Leaving ends nothing: another connection finds the same nodes."""
    executor.close()
    assert not ray.is_initialized()
    again = on_ray(None, cluster.address)
    assert isinstance(again, RayExecutor)
    assert again.slots == 3
    again.close()
