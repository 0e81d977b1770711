"""What `refinery status` tells people."""

import re

import pytest

from refinery.report.status import status_text
from refinery.watch.progress import Line
from refinery.watch.status import Failure, InFlight, Status

LINES = (
    Line("source", "crawl", "done", 61, None, "measure", 3, 3, 1.0, 30, 1, 2),
    Line("stage", "unique", "stopped", 46, None, "dedup bands", 1, 2, 0.5, 0, 0, 1),
)
STATUS = Status(
    state="running",
    pipeline="tiny",
    pid=7,
    host="here",
    started=1000.0,
    updated=1062.4,
    phase="dedup bands",
    units_done=1,
    units=2,
    lines=LINES,
    outputs={"a": "/data/a", "b": "s3://b"},
    log="/work/run-1.jsonl",
    work="/work",
    work_bytes={"measurements": 95_000_000, "logs": 200_000},
)


@pytest.fixture(autouse=True)
def in_80_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_people_are_told_when_a_run_ended_and_what_it_made():
    """A finished run by its lines, outputs, times and log, another one by its phase, too."""
    lines = status_text(STATUS.model_copy(update={"state": "finished"})).splitlines()
    assert lines[:5] == [
        "finished: tiny",
        "  source  crawl   61  took 0:02",
        "  stage   unique  46  stopped       dedup 1/2",
        "output a: /data/a",
        "output b: s3://b",
    ]
    assert re.fullmatch(r"started [-\d]+ \S+, ended [-\d]+ \S+, after 62 s; process 7 on here", lines[5])
    assert lines[6:] == [
        "work folder: /work, 95.2 MB (measurements 95.0 MB, logs 200.0 kB)",
        "log: /work/run-1.jsonl",
    ]
    for state, words in (("running", "started"), ("failed", ", ended "), ("died", ", last heard of ")):
        lines = status_text(STATUS.model_copy(update={"state": state})).splitlines()
        assert lines[1] == "dedup bands: 1 of 2 units, 0 docs/s, 0.0 MB/s"
        assert words in lines[6]
        assert ("after" in lines[6]) == (state != "running")


def test_what_is_in_flight_and_what_failed():
    """By name: the first units in flight, the last failure, and why the run ended."""
    changed = {
        "state": "failed",
        "message": "OutputError: the disk is full",
        "in_flight": tuple(InFlight(unit=f"u{n}", attempt=1, since=1060.0) for n in range(8)),
        "in_flight_units": 30,
        "failed_attempts": 2,
        "failures": (Failure(phase="measure", unit="crawl/0", attempt=1, problem="no answer"),),
    }
    text = status_text(STATUS.model_copy(update=changed))
    assert text.startswith("failed: tiny (OutputError: the disk is full)\n")
    assert "in flight: 30, the first: u0 (" in text
    assert "u4 (" in text
    assert "u5 (" not in text
    assert "failed attempts: 2, the last: crawl/0: no answer" in text
