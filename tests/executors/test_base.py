"""The loop above the executors, with real processes that really die."""

import time

import pytest

from refinery.errors import InputError, StorageError, UnitFailed
from refinery.executors.base import Unit, run_units
from refinery.executors.local import InProcess, ProcessPool, local
from tests.executors import units


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def executor(request):
    made = local(request.param)
    yield made
    made.close()


def test_results_come_in_the_order_of_the_units(executor):
    """Whatever ends first, results are in order, and every unit is reported once."""
    seen = units.Seen()
    numbers = [Unit(f"n{n}", n) for n in range(20)]
    assert run_units(executor, units.square, numbers, seen) == [n * n for n in range(20)]
    assert sorted(seen.results) == sorted(n * n for n in range(20))


def test_no_units(executor):
    """Nothing to do gives nothing."""
    assert run_units(executor, units.square, []) == []


def test_an_error_keeps_its_fields_across_processes(executor, tmp_path):
    """An input error comes out as it was raised, and finished units were reported."""
    with pytest.raises(InputError) as caught:
        run_units(executor, units.fail_on_three, [Unit(str(n), (n, str(tmp_path))) for n in range(6)])
    assert (caught.value.place, caught.value.hint) == ("unit 3", "try another")


def test_a_killed_worker_is_replaced_and_its_unit_run_again(tmp_path):
    """One SIGKILL in mid-unit costs a retry, not a result."""
    executor = ProcessPool(2)
    try:
        found = run_units(executor, units.die_once, [Unit(str(n), (n, str(tmp_path))) for n in range(8)])
    finally:
        executor.close()
    assert found == list(range(8))
    assert (tmp_path / "died-2").exists()


def test_a_transient_failure_is_tried_again(executor, tmp_path):
    """What the storage marks as transient is retried; the mark survives the way between processes."""
    numbers = [Unit(str(n), (n, str(tmp_path))) for n in range(4)]
    assert run_units(executor, units.fail_for_the_moment, numbers) == list(range(4))
    assert (tmp_path / "failed-2").exists()


def never_answered(number: int) -> int:
    raise StorageError("s3://bucket/a", "no answer")


def test_a_store_that_never_answers_fails_the_unit_by_name(executor):
    """The user learns which unit needed what."""
    with pytest.raises(UnitFailed, match=r"^n0: s3://bucket/a: no answer$"):
        run_units(executor, never_answered, [Unit("n0", 0)])


def test_a_unit_that_kills_its_worker_each_time_fails_by_name():
    """A unit that always takes its worker down ends the run with its name and what may help."""
    executor = ProcessPool(1)
    try:
        with pytest.raises(UnitFailed, match=r"^poison: its worker process died 3 times: .*fewer --workers"):
            run_units(executor, units.die_always, [Unit("poison", 1)])
    finally:
        executor.close()


def test_the_neighbours_of_a_deadly_unit_are_not_blamed():
    """Among many units, the one that kills its workers is the one named, and the others are finished."""
    executor = ProcessPool(2)
    seen = units.Seen()
    try:
        with pytest.raises(UnitFailed, match="n1"):
            run_units(executor, units.die_always, [Unit(f"n{n}", n) for n in range(6)], seen)
    finally:
        executor.close()
    assert 1 not in seen.results


def test_one_worker_needs_no_process():
    """One worker is this process."""
    assert isinstance(local(1), InProcess)


def fail_late(number: int) -> int:
    if number < 2:
        time.sleep(0.5 - number / 2)
        raise InputError(f"unit {number}", "cannot be used")
    return number


def test_the_first_failing_unit_is_told_whichever_ended_first():
    """The same error every time, whatever the workers' speed."""
    executor = ProcessPool(2)
    try:
        with pytest.raises(InputError, match="unit 0"):
            run_units(executor, fail_late, [Unit(str(n), n) for n in range(2)])
    finally:
        executor.close()
