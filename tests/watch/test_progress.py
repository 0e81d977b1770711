"""How far a run is, by its events."""

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.watch.events import (
    CacheChecked,
    Count,
    Finished,
    Phase,
    RunBegun,
    RunEnded,
    Share,
    Subject,
    UnitBegun,
    UnitEnded,
    UnitFailed,
)
from refinery.watch.progress import Progress

CRAWL, BOOKS = Subject("source", "crawl"), Subject("source", "books")
SCREENED, UNIQUE = Subject("stage", "screened"), Subject("stage", "unique")
OUT = Subject("output", "unique")


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def progress(clock):
    """Of a run that has begun."""
    made = Progress(clock)
    made(RunBegun((CRAWL, BOOKS, SCREENED, UNIQUE, OUT)))
    return made


def phase(name, *subjects, units=1, slots=1, more=False):
    """So many units of one weight for each subject."""
    shares = tuple(Share(subject, units, units) for subject in subjects)
    return Phase(name, units * len(subjects), units * len(subjects), slots, shares, more)


def begun(name, unit, *subjects):
    return UnitBegun(name, unit, 1, 1, subjects)


def ended(name, unit, *subjects, documents=0, counts=()):
    return UnitEnded(name, unit, 1, 1, subjects, documents=documents, counts=counts)


def line(progress, subject):
    (found,) = (one for one in progress.lines() if (one.kind, one.name) == (subject.kind, subject.name))
    return found


def test_a_source_is_done_with_its_last_unit(clock, progress):
    """Though others are still read in the same phase, which one that is compiled for does not begin."""
    progress(phase("kernels", CRAWL, BOOKS, more=True))
    progress(begun("kernels", "signals", CRAWL, BOOKS))
    clock.now += 5
    progress(ended("kernels", "signals", CRAWL, BOOKS))
    assert [line(progress, of).state for of in (CRAWL, BOOKS)] == ["working", "working"]
    progress(phase("measure", CRAWL, BOOKS))
    assert [line(progress, of).state for of in (CRAWL, BOOKS)] == ["waiting", "waiting"]
    progress(begun("measure", "a", CRAWL))
    clock.now += 2
    progress(ended("measure", "a", CRAWL, documents=10, counts=(Count(CRAWL, 10),)))
    found = line(progress, CRAWL)
    assert (found.state, found.documents, found.kept, found.seconds) == ("done", 10, None, 7)
    assert (found.documents_per_second, found.share) == (5, 1)
    assert line(progress, BOOKS).state == "waiting"


def test_counts_are_added_to_those_that_were_found(progress):
    """So far, and counted anew at the end; where a verb follows nobody knows what is kept."""
    progress(CacheChecked(SCREENED, "decision", 2, 1, 20, 15))
    progress(CacheChecked(UNIQUE, "decision", 0, 1))
    progress(phase("decide", SCREENED, UNIQUE))
    progress(begun("decide", "a", SCREENED, UNIQUE))
    counts = Count(SCREENED, 10, 4), Count(UNIQUE, 19)
    progress(ended("decide", "a", SCREENED, UNIQUE, counts=counts))
    assert [(line(progress, of).documents, line(progress, of).kept) for of in (SCREENED, UNIQUE)] == [
        (30, 19),
        (19, None),
    ]
    assert line(progress, UNIQUE).state == "working"
    progress(Finished(UNIQUE, 19, 17))
    assert (line(progress, UNIQUE).state, line(progress, UNIQUE).kept) == ("done", 17)


def test_time_is_that_of_all_phases(clock, progress):
    """From the first unit that was handed out to the last one that ended; what lies between phases is not counted."""
    for name, seconds in (("dedup bands", 3), ("dedup buckets", 4)):
        progress(phase(name, UNIQUE, more=True))
        clock.now += 100
        progress(begun(name, "a", UNIQUE))
        clock.now += seconds
        assert line(progress, UNIQUE).seconds_left is None  # more phases follow, nobody knows how many
        progress(ended(name, "a", UNIQUE))
        clock.now += 100
    progress(Finished(UNIQUE))
    assert (line(progress, UNIQUE).seconds, line(progress, UNIQUE).units) == (7, 1)
    assert (line(progress, OUT).seconds, line(progress, OUT).units) == (0, 0)


def test_a_phase_that_comes_again_goes_on(progress):
    """Its units are more, those that ended stay; another phase counts anew."""
    for number in range(2):
        progress(phase("account", OUT))
        progress(begun("account", str(number), OUT))
        progress(ended("account", str(number), OUT, documents=4))
    assert (progress.work.units, progress.work.units_done, progress.work.documents) == (2, 2, 8)
    assert (line(progress, OUT).units, line(progress, OUT).units_done) == (2, 2)
    progress(phase("write", OUT))
    assert (progress.work.phase, progress.work.units, progress.work.units_done) == ("write", 1, 0)
    assert line(progress, OUT).units_done == 0


def test_a_failed_attempt_is_no_progress(progress):
    """The unit is still to be done."""
    progress(phase("measure", CRAWL))
    progress(begun("measure", "a", CRAWL))
    progress(UnitFailed("measure", "a", 1, 1, (CRAWL,), error="WorkerLost"))
    assert (line(progress, CRAWL).state, line(progress, CRAWL).units_done) == ("working", 0)


def test_what_was_worked_on_when_the_run_ended_was_stopped(progress):
    """It has no time left; what was done or had not begun stays so."""
    progress(Finished(CRAWL, 10))
    progress(phase("decide", SCREENED, UNIQUE))
    progress(begun("decide", "a", SCREENED))
    progress(RunEnded("failed", "the disk is full"))
    states = {found.name: found.state for found in progress.lines()}
    assert (states["crawl"], states["screened"], states["books"]) == ("done", "stopped", "waiting")
    assert line(progress, SCREENED).seconds_left is None


def test_a_run_that_begins_again_counts_anew(progress):
    """After a damaged file was removed, say."""
    progress(Finished(CRAWL, 10))
    progress(RunBegun((CRAWL, OUT)))
    assert [(one.name, one.state, one.documents) for one in progress.lines()] == [
        ("crawl", "waiting", None),
        ("unique", "waiting", None),
    ]


@given(units=st.integers(1, 60), slots=st.integers(1, 9), took=st.floats(0.5, 600), past=st.floats(0, 1))
def test_time_left_is_right_to_a_unit(units, slots, took, past):
    """For units that take the same time, whenever it is told; unknown before the first ones have ended."""
    clock = Clock()
    progress = Progress(clock)
    progress(phase("measure", CRAWL, units=units, slots=slots))
    total = -(-units // slots) * took
    running: list[tuple[float, int]] = []
    waiting = list(range(units))
    start = clock.now
    done = 0
    while waiting or running:
        while waiting and len(running) < slots:
            unit = waiting.pop(0)
            progress(begun("measure", str(unit), CRAWL))
            heapq.heappush(running, (clock.now + took, unit))
        clock.now, unit = heapq.heappop(running)
        progress(ended("measure", str(unit), CRAWL))
        done += 1
        later = bool(running) and running[0][0] > clock.now
        left = line(progress, CRAWL).seconds_left
        assert (left is None) == (done < min(slots, units) or done == units)
        if left is not None and later:
            assert left == pytest.approx(start + total - clock.now, abs=took * 1.001)
            now, passed = clock.now, past * took * 0.999
            clock.now += passed  # it is counted down until the next one ends
            counted = line(progress, CRAWL).seconds_left
            assert (counted is None) == (left <= passed)
            assert counted is None or counted == pytest.approx(left - passed, abs=1e-6)
            clock.now = now


def test_an_estimate_that_has_passed_is_none(clock, progress):
    """It neither goes below zero nor stands at it."""
    progress(phase("measure", CRAWL, units=3))
    progress(begun("measure", "a", CRAWL))
    clock.now += 10
    progress(ended("measure", "a", CRAWL))
    assert line(progress, CRAWL).seconds_left == pytest.approx(20)
    clock.now += 19
    assert line(progress, CRAWL).seconds_left == pytest.approx(1)
    clock.now += 2
    assert line(progress, CRAWL).seconds_left is None
