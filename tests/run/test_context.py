"""What the steps of a run share."""

import time

import pytest

from refinery.errors import InputError, RunError
from refinery.executors.base import Unit
from refinery.executors.local import InProcess
from refinery.run.context import Run
from refinery.run.run import execute
from refinery.watch.events import (
    Count,
    Finished,
    Phase,
    Share,
    Subject,
    UnitBegun,
    UnitEnded,
    UnitFailed,
    WorkFolder,
)
from refinery.watch.find_status import find_status
from tests.conftest import PIPELINE
from tests.run.planning import plan_of

CRAWL, BOOKS = Subject("source", "crawl"), Subject("source", "books")


def held():
    """The folders are this run's."""


@pytest.fixture
def told():
    return []


@pytest.fixture
def run(data_repository, told):
    return Run(plan_of(data_repository / "pipeline.yaml"), InProcess(), told.append, held)


def square(number: int) -> int:
    if number < 0:
        raise InputError("a", "is negative")
    return number * number


def test_a_phase_and_every_attempt_are_events(run, told):
    """With what they are for, how much that is, and what a result counts."""
    units = [Unit("a", 3, 10, of=(CRAWL,)), Unit("b", 4, 20, of=(CRAWL, BOOKS), memory=7)]
    found = run.map(
        "measure",
        square,
        units,
        documents=lambda result: result,
        counts=lambda of, result: [Count(subject, result) for subject in of],
        more=True,
    )
    assert found == [9, 16]
    shares = (Share(CRAWL, 2, 30), Share(BOOKS, 1, 20))
    assert told[0] == Phase("measure", 2, 30, 1, shares, more=True)
    assert [event for event in told if isinstance(event, UnitBegun)] == [
        UnitBegun("measure", "a", 1, 10, (CRAWL,)),
        UnitBegun("measure", "b", 1, 20, (CRAWL, BOOKS), memory=7),
    ]
    ended = [event for event in told if isinstance(event, UnitEnded)]
    assert [(event.unit, event.documents, event.of) for event in ended] == [
        ("a", 9, (CRAWL,)),
        ("b", 16, (CRAWL, BOOKS)),
    ]
    assert ended[1].counts == (Count(CRAWL, 16), Count(BOOKS, 16))
    assert all(event.worker and event.started > 0 and event.peak_memory > 0 for event in ended)
    assert len(told) == 5
    assert run.seconds["measure"] > 0


def test_a_failed_attempt_is_told_with_its_error(run, told):
    """Then the error is raised."""
    with pytest.raises(InputError):
        run.map("measure", square, [Unit("a", -1)])
    (failed,) = [event for event in told if isinstance(event, UnitFailed)]
    assert (failed.unit, failed.error, failed.problem) == ("a", "InputError", "a: is negative")


def test_an_error_is_not_hidden_by_what_is_removed_after_it(run):
    """The file of large arguments is left to the end of the run."""
    units = [Unit("a", list(range(5000))), Unit("b", -1)]
    with pytest.raises(TypeError):
        run.map("measure", square, units)
    assert [file.name for file in (run.plan.own / "units").iterdir()] == ["measure.bin"]


def test_no_units_are_no_phase(run, told):
    """Nothing is told of what needs no work."""
    assert run.map("measure", square, []) == []
    assert told == []


def test_results_come_in_the_order_of_the_units(run):
    """Of small arguments and of large ones, which go by a file that is gone afterwards."""
    arguments = [list(range(n)) for n in (5000, 3, 6000)]
    units = [Unit(str(n), argument) for n, argument in enumerate(arguments)]
    assert run.map("count: all", len, units) == [5000, 3, 6000]
    assert list((run.plan.own / "units").iterdir()) == []
    assert set(run.seconds) == {"count: all"}


def test_a_run_that_lost_its_folder_goes_no_further(run):
    """It is told at the end of a unit, whatever came of that."""

    def lost() -> None:
        raise RunError("another run works here")

    run.still_held = lost
    done = []
    with pytest.raises(RunError, match="another run works here"):
        run.map("note", done.append, [Unit("1", 1), Unit("2", 2)])
    assert done == [1]


def test_a_subject_is_finished_once(run, told):
    """And again when more is known of it."""
    stage = Subject("stage", "unique")
    for kept in (None, None, 5, 5):
        run.finish(stage, 9, kept)
    assert told == [Finished(stage, 9), Finished(stage, 9, 5)]


def test_the_work_folder_is_listed_when_another_run_can_have_added_to_it(run, told, data_repository):
    """Once, again after a run of another pipeline, and each time while one goes on or that cannot be told."""

    def listings() -> int:
        run.list_files()
        return sum(isinstance(event, WorkFolder) for event in told)

    assert [listings(), listings()] == [1, 1]
    other = data_repository / "other.yaml"
    other.write_text(PIPELINE.replace("name: tiny", "name: other").replace('"out"', '"other"'))
    execute(plan_of(other), InProcess(), lambda _: None)
    assert [listings(), listings()] == [2, 2]
    assert all(str(planned.record_file) in run.present for planned in run.plan.shards)
    file = run.plan.work / "pipelines" / "other" / "status.json"
    (ended,) = find_status(file.parent)
    file.write_text(ended.model_copy(update={"state": "running", "updated": time.time()}).model_dump_json())
    assert [listings(), listings()] == [3, 4]
    file.write_bytes(b"damaged")
    assert [listings(), listings()] == [5, 6]
    file.write_text(ended.model_dump_json())
    assert [listings(), listings()] == [7, 7]
