"""The log of a run."""

from datetime import UTC, datetime

import fsspec
import orjson
import pytest

from refinery.storage.place import place_of
from refinery.watch.events import Note, Phase, RunBegun, RunEnded, Subject, UnitBegun, UnitEnded, UnitFailed
from refinery.watch.log import RunLog

STARTED = datetime(2026, 1, 2, 3, 4, 5, 6, UTC)


def events(content):
    return [orjson.loads(line) for line in content.splitlines()]


def work_through(log):
    """A phase with a unit that fails and is tried again."""
    log(RunBegun((Subject("source", "crawl"),)))
    log(Phase("measure", 1, 10))
    log(UnitBegun("measure", "a", 1, 10))
    problem = "https://me:hunter2@host/a: no answer"
    log(UnitFailed("measure", "a", 1, 10, started=1.235, seconds=0.5, error="RunError", problem=problem))
    log(UnitBegun("measure", "a", 2, 10))
    log(UnitEnded("measure", "a", 2, 10, (), "here 7", 2.0, 0.25, 1 << 20, 3))
    log(Note("see s3://me:hunter2@bucket/a?sig=hunter2"))


EXPECTED = ["run_begun", "phase", "unit_begun", "unit_failed", "unit_begun", "unit_ended", "note"]


def test_every_attempt_is_a_line_as_soon_as_it_is_told(tmp_path):
    """With place, time and memory, or the error, and no secret."""
    log = RunLog(tmp_path, STARTED)
    work_through(log)
    content = (tmp_path / "logs" / "run-20260102T030405000006Z.jsonl").read_bytes()
    found = events(content)
    assert [line["event"] for line in found] == EXPECTED
    assert (found[3]["error"], found[3]["attempt"], found[3]["started"]) == ("RunError", 1, 1.235)
    ended = {"worker": "here 7", "seconds": 0.25, "peak_memory": 1 << 20, "bytes": 10, "documents": 3}
    assert ended.items() <= found[5].items()
    assert b"hunter2" not in content
    log(RunEnded("finished"))
    assert (tmp_path / "logs" / f"{log.name}.jsonl").read_bytes().startswith(content)


def test_an_object_store_gets_pieces():
    """Whole objects, of the lines since the one before; none when there are no lines."""
    store = fsspec.filesystem("memory")
    store.pipe("/log-test/x", b"")
    store.rm("/log-test", recursive=True)
    log = RunLog(place_of("memory://log-test"), STARTED)
    work_through(log)
    log.upload()
    log.upload()
    log(RunEnded("finished"))
    pieces = [store.cat_file(name) for name in sorted(store.find("/log-test"))]
    assert [[line["event"] for line in events(piece)] for piece in pieces] == [EXPECTED, ["run_ended"]]


@pytest.mark.parametrize("in_the_way", ["logs", ""])
def test_a_log_that_cannot_be_written_stops_no_run(in_the_way, tmp_path):
    """A file lies where its folder, or the work folder, should be."""
    work = tmp_path / "work"
    if in_the_way:
        work.mkdir()
    (work / in_the_way).write_bytes(b"")
    log = RunLog(work, STARTED)
    work_through(log)
    log(RunEnded("finished"))
    assert (work / in_the_way).read_bytes() == b""


def test_a_run_with_nothing_to_do_leaves_no_log(tmp_path):
    """No work, no file."""
    log = RunLog(tmp_path, STARTED)
    log(Note("Nothing to do"))
    log(RunEnded("finished"))
    assert list(tmp_path.iterdir()) == []
