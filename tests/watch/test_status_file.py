"""What a run says of itself while it works."""

import time
from datetime import UTC, datetime

import pytest

from refinery.storage.work_folder import pipeline_folder
from refinery.watch.events import (
    Note,
    Phase,
    RunBegun,
    RunEnded,
    Share,
    Subject,
    UnitBegun,
    UnitEnded,
    UnitFailed,
)
from refinery.watch.find_status import find_status
from refinery.watch.log import RunLog
from refinery.watch.status import FILE
from refinery.watch.status_file import StatusFile

CRAWL = Subject("source", "crawl")


@pytest.fixture
def status_file(tmp_path):
    """Of a run whose work folder is tmp_path."""
    started = datetime.now(UTC)
    pipeline_folder(tmp_path, "tiny").mkdir(parents=True)
    log = RunLog(pipeline_folder(tmp_path, "tiny"), started)
    return StatusFile(tmp_path, "tiny", {"unique": tmp_path / "out"}, started, log, lambda: None)


def test_what_was_done_in_a_phase_is_counted(tmp_path, status_file):
    """A phase that comes again goes on, another begins anew; failures stay in view with their secrets left out."""
    status_file(Phase("measure", 2, 100))
    status_file(Phase("measure", 3, 200))
    for name in ("a", "b"):
        status_file(UnitBegun("measure", name, 1, 60))
    status_file(UnitEnded("measure", "a", 1, 60, documents=7))
    problem = "https://me:hunter2@host/b?sig=hunter2 is full"
    status_file(UnitFailed("measure", "b", 1, 60, error="OutputError", problem=problem))
    status_file(UnitBegun("measure", "c", 2, 1))
    status_file(RunEnded("failed", "s3://me:hunter2@bucket: no answer"))
    (found,) = find_status(tmp_path)
    assert (found.state, found.phase, found.units, found.units_done) == ("failed", "measure", 5, 1)
    assert (found.bytes, found.bytes_done, found.documents) == (300, 60, 7)
    assert (found.failed_attempts, [failure.unit for failure in found.failures]) == (1, ["b"])
    assert (found.in_flight, found.seconds_left) == ((), None)
    assert "hunter2" not in found.model_dump_json()


def test_the_first_status_is_there_when_the_first_phase_begins(tmp_path, status_file):
    """Whatever keeps its thread waiting then."""
    status_file(RunBegun((CRAWL,)))
    status_file(Phase("kernels", 2, 100, 1, (Share(CRAWL, 2, 100),)))
    (found,) = find_status(tmp_path)
    status_file(RunEnded("finished"))
    assert (found.state, found.phase) == ("running", "kernels")
    assert [(line.name, line.state, line.units) for line in found.lines] == [("crawl", "waiting", 2)]


def test_what_is_in_flight_is_written_while_it_is(tmp_path, status_file, monkeypatch):
    """By the thread of the file: a new phase counts anew, a unit of the one before may still run."""
    monkeypatch.setattr("refinery.watch.status_file.BEAT", 0.01)
    for phase in ("measure", "decide"):
        status_file(Phase(phase, 1, 10))
        status_file(UnitBegun(phase, phase, 1, 10))
    status_file(UnitEnded("decide", "decide", 1, 10))
    ends = time.monotonic() + 30
    while not ((pipeline_folder(tmp_path, "tiny") / FILE).exists() and find_status(tmp_path)[0].units_done):
        assert time.monotonic() < ends
    (now,) = find_status(tmp_path)
    status_file(RunEnded("finished"))
    assert (now.phase, now.units, now.units_done, now.in_flight_units) == ("decide", 1, 1, 1)
    assert [flight.unit for flight in now.in_flight] == ["measure"]


def test_a_run_with_nothing_to_do_writes_nothing(tmp_path, status_file):
    """The status of the run before stays."""
    status_file(Note("Nothing to do"))
    status_file(RunEnded("finished"))
    assert list(pipeline_folder(tmp_path, "tiny").iterdir()) == []


def test_the_clock_is_set_back_in_mid_run(tmp_path, status_file, monkeypatch):
    """What is told agrees with the clock as it is now: nothing took less than no time, or is yet to begin."""
    status_file(Phase("measure", 2, 100))
    for name in ("a", "b"):
        status_file(UnitBegun("measure", name, 1, 50))
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 86_400)
    status_file(UnitEnded("measure", "a", 1, 50, documents=7))
    status_file._write("running")
    (found,) = find_status(tmp_path)
    status_file(RunEnded("finished"))
    assert found.state == "running"
    (flight,) = found.in_flight
    assert found.started <= found.phase_started <= flight.since <= found.updated <= time.time()
    assert found.updated - found.started < 60
