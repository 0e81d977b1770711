"""What a run says of itself while it works, and what is made of it afterwards."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from refinery.errors import InputError, OutputError, RunError
from refinery.executors.base import Attempt, Unit
from refinery.run.log import RunLog
from refinery.run.progress import Silent
from refinery.run.status import FILE, SILENCE, Status, StatusFile, read_status, recorded, told
from tests.run.planning import plan_of
from tests.s3_server import use


def held():
    """The folder is this run's."""


def lost():
    """It is another's by now."""
    raise RunError("another run has taken over the folder")


@pytest.fixture
def plan(data_repository):
    """A plan with an empty work folder."""
    found = plan_of(data_repository / "pipeline.yaml")
    found.work.mkdir()
    return found


def status_file(plan, still_held=held):
    started = datetime.now(UTC)
    return StatusFile(plan, RunLog(plan.work, started), started, still_held)


def test_what_was_done_in_a_phase_is_counted(plan):
    """A phase that comes again goes on, another begins anew; failures stay in view with their secrets left out."""
    status = status_file(plan)
    status.start("measure", 2, 100)
    status.start("measure", 3, 200)
    for name, outcome in (("a", 1), ("b", OutputError("https://me:hunter2@host/b?sig=hunter2 is full"))):
        unit = Unit(name, None, 60)
        status.begun(unit, 1)
        status.ended(unit, 1, Attempt(outcome), 7)
    status.begun(Unit("c", None), 2)
    status.close("failed", "s3://me:hunter2@bucket: no answer")
    found = read_status(plan.work)
    assert (found.state, found.phase, found.units, found.units_done) == ("failed", "measure", 5, 1)
    assert (found.bytes, found.bytes_done, found.documents) == (300, 60, 7)
    assert (found.failed_attempts, [failure.unit for failure in found.failures]) == (1, ["b"])
    assert (found.in_flight, found.seconds_left) == ((), None)
    assert "hunter2" not in found.model_dump_json()


def test_the_first_status_is_there_when_the_first_phase_begins(plan):
    """Whatever keeps its thread waiting then."""
    status = status_file(plan)
    status.start("kernels", 2, 100)
    found = read_status(plan.work)
    status.close("finished")
    assert (found.state, found.phase) == ("running", "kernels")


def test_people_are_told_when_a_run_ended_and_what_it_made(plan):
    """A finished run by its outputs, times and log, another one by where it stands, too."""
    finished = written(
        plan, state="finished", phase="account", units=2, outputs={"a": "/data/a", "b": "s3://b"}
    )
    finished = finished.model_copy(update={"started": 1000.0, "updated": 1062.4, "log": "/work/run-1.jsonl"})
    lines = told(finished).splitlines()
    assert lines[:3] == ["finished: tiny", "output a: /data/a", "output b: s3://b"]
    assert re.fullmatch(r"started [-\d]+ \S+, ended [-\d]+ \S+, after 62 s; process \d+ on \S+", lines[3])
    assert lines[4:] == ["log: /work/run-1.jsonl"]
    for state, words in (("running", "started"), ("failed", ", ended "), ("died", ", last heard of ")):
        lines = told(finished.model_copy(update={"state": state})).splitlines()
        assert lines[1] == "account: 0 of 2 units, 0 docs/s, 0.0 MB/s"
        assert words in lines[4]
        assert ("after" in lines[4]) == (state != "running")


def test_what_is_in_flight_is_written_while_it_is(plan, monkeypatch):
    """By the thread of the file: a new phase counts anew, a unit of the one before may still run."""
    monkeypatch.setattr("refinery.run.status.BEAT", 0.01)
    other = status_file(plan)
    for phase in ("measure", "decide"):
        other.start(phase, 1, 10)
        other.begun(Unit(phase, None, 10), 1)
    other.ended(Unit("decide", None, 10), 1, Attempt(None), 0)
    ends = time.monotonic() + 30
    while not ((plan.work / FILE).exists() and read_status(plan.work).units_done):
        assert time.monotonic() < ends
    now = read_status(plan.work)
    other.close("finished")
    assert (now.phase, now.units, now.units_done, now.in_flight_units) == ("decide", 1, 1, 1)
    assert [flight.unit for flight in now.in_flight] == ["measure"]


def test_a_run_is_found_by_its_folders(data_repository, refinery):
    """The work folder, that of the definition and the output name the same run; a folder without one is refused."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    for folder in (data_repository, data_repository / ".refinery", data_repository / "out"):
        code, out, _ = refinery("status", folder)
        assert (code, out.splitlines()[0]) == (0, "finished: tiny")
    found = json.loads(refinery("status", data_repository, "--json")[1])
    assert found["outputs"] == {"unique": str(data_repository / "out")}
    assert Path(found["log"]).read_bytes().endswith(b"\n")
    code, _, err = refinery("status", data_repository / "crawl")
    assert code == 2
    assert "no run is known here" in err
    before = (data_repository / ".refinery" / FILE).read_bytes()
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0  # with nothing to do
    assert (data_repository / ".refinery" / FILE).read_bytes() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RunError("the disk is gone")])
def test_how_a_run_ended_is_recorded(error, plan):
    """Stopped by Ctrl-C or SIGTERM, or failed with its error; `status` then ends with 1."""
    with contextlib.suppress(KeyboardInterrupt, RunError), recorded(plan, Silent(), held) as progress:
        progress.start("measure", 1, 1)
        raise error
    found = read_status(plan.work)
    state, message = (
        ("stopped", "Ctrl-C or SIGTERM") if isinstance(error, KeyboardInterrupt) else ("failed", str(error))
    )
    assert found.state == state
    assert message in found.message
    assert told(found).startswith(f"{state}: tiny (")


def test_a_run_that_lost_its_folder_leaves_the_status_of_the_next(plan):
    """Neither its heartbeat nor its end is written over what the run that has taken over says."""
    (plan.work / FILE).write_bytes(b"of the next run")
    with pytest.raises(RunError, match="taken over"), recorded(plan, Silent(), lost) as progress:
        progress.start("measure", 1, 1)
        lost()
    assert (plan.work / FILE).read_bytes() == b"of the next run"


def written(plan, **changed):
    """A status of a running run, changed."""
    now = time.time()
    status = Status(
        state="running", pipeline="tiny", pid=os.getpid(), host=os.uname().nodename, started=now, updated=now
    )
    (plan.work / FILE).write_text(status.model_copy(update=changed).model_dump_json())
    return read_status(plan.work)


def test_a_run_whose_process_is_gone_died(plan):
    """On this machine at once, elsewhere when nothing is heard of it for a while."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert written(plan).state == "running"
    assert written(plan, pid=ended.pid).state == "died"
    assert written(plan, pid=ended.pid, host="elsewhere").state == "running"
    late = time.time() - SILENCE - 1
    died = written(plan, host="elsewhere", updated=late)
    assert died.state == "died"
    assert "nothing was heard of it for 61 s" in died.message
    assert written(plan, pid=ended.pid, state="finished").state == "finished"


@pytest.mark.parametrize("content", [b"foo", b"[]", b'{"state":"running"}', b"\xff"])
def test_a_damaged_status_is_told(content, plan, refinery):
    """Not taken for none; of the next run it is a whole one."""
    (plan.work / FILE).write_bytes(content)
    for folder in (plan.work, plan.work.parent):
        code, _, err = refinery("status", folder)
        assert code == 2
        assert err.startswith(f"error: {plan.work / FILE}: the file is damaged")


def test_what_lies_above_a_folder_is_not_blamed(plan, refinery):
    """A folder above that cannot be read, or whose status is damaged, may be of anything else."""
    (plan.work / FILE).mkdir()
    below = plan.work.parent / "other"
    below.mkdir()
    assert "cannot be read: Is a directory" in refinery("status", plan.work.parent)[2]
    assert "no run is known here" in refinery("status", below)[2]
    (plan.work / FILE).rmdir()
    (plan.work / FILE).write_bytes(b"foo")
    assert "no run is known here" in refinery("status", below)[2]


def test_a_store_that_refuses_or_is_silent_is_told(bucket, s3_server, monkeypatch, refinery):
    """With a wrong secret permission is denied, without a server nothing can be read: neither is `no run`."""
    monkeypatch.setattr("refinery.storage.retry.ATTEMPTS", 1)
    use({"AWS_SECRET_ACCESS_KEY": "wrong"}, monkeypatch)
    code, _, err = refinery("status", f"{bucket}/work")
    assert (code, "permission denied" in err) == (2, True)
    use({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, monkeypatch)
    code, _, err = refinery("status", f"{bucket}/work")
    assert code == 1
    assert err.startswith(f"error: {bucket}/work/{FILE}: cannot be read: EndpointConnectionError")


def test_on_an_object_store(plan, bucket, s3_server, proxied):
    """The status is read from there, through faults."""
    body = written(plan).model_dump_json().encode()
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key=f"work/{FILE}", Body=body)
    proxied(every=2, kinds=("reset",))
    from refinery.storage.place import place_of

    assert read_status(place_of(f"{bucket}/work")).pipeline == "tiny"
    with pytest.raises(InputError, match="no run is known here"):
        read_status(place_of(f"{bucket}/other"))
