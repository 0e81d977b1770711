"""Events as JSON lines."""

import io

import orjson

from refinery.watch.events import Count, Note, Subject, UnitEnded, UnitFailed
from refinery.watch.json_lines import json_line, json_lines

CRAWL = Subject("source", "crawl")


def test_a_line_is_the_event_with_its_name_and_time():
    """Fields as they are, what of the definition it is about as objects; one line."""
    line = json_line(
        UnitEnded("measure", "a", 2, 100, (CRAWL,), "here:7", 1.5, 0.25, 1 << 20, 3, (Count(CRAWL, 3),))
    )
    assert line.count(b"\n") == 1
    found = orjson.loads(line)
    assert found.pop("time") > 1.7e9
    assert found == {
        "event": "unit_ended",
        "phase": "measure",
        "unit": "a",
        "attempt": 2,
        "bytes": 100,
        "of": [{"kind": "source", "name": "crawl"}],
        "worker": "here:7",
        "started": 1.5,
        "seconds": 0.25,
        "peak_memory": 1 << 20,
        "documents": 3,
        "counts": [{"of": {"kind": "source", "name": "crawl"}, "documents": 3, "kept": None}],
    }


def test_no_secret_is_written():
    """Neither what a client's error says nor what a person is told."""
    url = "https://me:hunter2@host/a?sig=hunter2"
    for event in (UnitFailed("measure", "a", 1, 1, error="RunError", problem=url), Note(f"see {url}")):
        assert b"hunter2" not in json_line(event)


def test_lines_are_there_at_once():
    """A program that reads them need not wait for more."""

    class Stream(io.StringIO):
        flushed = ""

        def flush(self):
            self.flushed = self.getvalue()

    stream = Stream()
    emit = json_lines(stream)
    for number in range(2):
        emit(Note(str(number)))
        assert orjson.loads(stream.flushed.splitlines()[-1])["message"] == str(number)
