"""The record of a run in its work folder."""

import contextlib

import orjson
import pytest

from refinery.errors import RunError
from refinery.storage.work_folder import pipeline_folder
from refinery.watch.events import Note, Phase, silent
from refinery.watch.find_status import find_status
from refinery.watch.record import record_run
from refinery.watch.status import FILE


@pytest.fixture
def own(tmp_path):
    """The folder of the pipeline, as the hold of a run makes it."""
    folder = pipeline_folder(tmp_path, "tiny")
    folder.mkdir(parents=True)
    return folder


def held():
    """The folder is this run's."""


def lost():
    """It is another's by now."""
    raise RunError("another run has taken over the folder")


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (None, "finished", ""),
        (KeyboardInterrupt(), "stopped", "stopped by Ctrl-C or SIGTERM"),
        (RunError("the disk is gone"), "failed", "RunError: the disk is gone"),
    ],
)
def test_how_a_run_ended_is_recorded(error, state, message, tmp_path, own):
    """In the status and as the last line of the log; the listener is told everything."""
    told = []
    with (
        contextlib.suppress(KeyboardInterrupt, RunError),
        record_run(tmp_path, "tiny", {"unique": tmp_path / "out"}, told.append, held) as emit,
    ):
        emit(Phase("measure", 1, 1))
        if error:
            raise error
    (found,) = find_status(tmp_path)
    assert (found.state, found.message) == (state, message)
    assert found.outputs == {"unique": str(tmp_path / "out")}
    (log,) = (own / "logs").iterdir()
    assert str(log) == found.log
    lines = [orjson.loads(line) for line in log.read_bytes().splitlines()]
    assert [line["event"] for line in lines] == ["phase", "run_ended"]
    assert (lines[-1]["state"], lines[-1]["message"]) == (state, message)
    assert [type(event).__name__ for event in told] == ["Phase", "RunEnded"]


def test_a_run_that_lost_its_folder_leaves_the_status_of_the_next(tmp_path, own):
    """Neither its heartbeat nor its end is written over what the run that has taken over says."""
    (own / FILE).write_bytes(b"of the next run")
    with pytest.raises(RunError, match="taken over"), record_run(tmp_path, "tiny", {}, silent, lost) as emit:
        emit(Phase("measure", 1, 1))
        lost()
    assert (own / FILE).read_bytes() == b"of the next run"


def test_a_run_with_nothing_to_do_leaves_no_record(tmp_path, own):
    """Neither log nor status."""
    with record_run(tmp_path, "tiny", {}, silent, held) as emit:
        emit(Note("Nothing to do"))
    assert list(own.iterdir()) == []
