"""The status of a run, found by its folders, and what is made of it afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.storage.work_folder import pipeline_folder
from refinery.watch.find_status import find_status, last_heard
from refinery.watch.status import FILE, SILENCE, Status
from tests.s3_server import use


@pytest.fixture
def work(tmp_path):
    """An empty work folder."""
    folder = tmp_path / ".refinery"
    folder.mkdir()
    return folder


@pytest.fixture
def own(work):
    """The folder in it of a pipeline."""
    folder = pipeline_folder(work, "tiny")
    folder.mkdir(parents=True)
    return folder


def test_a_run_is_found_by_its_folders(data_repository, refinery):
    """The work folder, that of the definition and the output name the same run; a folder without one is refused."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    work = data_repository / ".refinery"
    for folder in (data_repository, work, work / "pipelines" / "tiny", data_repository / "out"):
        code, out, _ = refinery("status", folder)
        assert (code, out.splitlines()[0]) == (0, "finished: tiny")
    (found,) = json.loads(refinery("status", data_repository, "--json")[1])
    assert found["outputs"] == {"unique": str(data_repository / "out")}
    assert Path(found["log"]).read_bytes().endswith(b"\n")
    code, _, err = refinery("status", data_repository / "crawl")
    assert code == 2
    assert "no run is known here" in err
    file = pipeline_folder(data_repository / ".refinery", "tiny") / FILE
    before = file.read_bytes()
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0  # with nothing to do
    assert file.read_bytes() == before


def written(own, **changed):
    """A status of a running run, changed."""
    now = time.time()
    status = Status(
        state="running", pipeline="tiny", pid=os.getpid(), host=os.uname().nodename, started=now, updated=now
    )
    (own / FILE).write_text(status.model_copy(update=changed).model_dump_json())
    (found,) = find_status(own)
    return found


def test_a_run_whose_process_is_gone_died(own):
    """On this machine at once, elsewhere when nothing is heard of it for a while."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert written(own).state == "running"
    assert written(own, pid=ended.pid).state == "died"
    assert written(own, pid=ended.pid, host="elsewhere").state == "running"
    late = time.time() - SILENCE - 1
    died = written(own, host="elsewhere", updated=late)
    assert died.state == "died"
    assert "nothing was heard of it for 61 s" in died.message
    assert written(own, pid=ended.pid, state="finished").state == "finished"


def test_a_suspended_run_is_no_dead_one(own):
    """It holds its folder, however long nothing is heard of it; how it goes on is told."""
    late = time.time() - SILENCE - 1
    with subprocess.Popen(["sleep", "60"]) as other:
        other.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, other.pid, os.WSTOPPED)
        found = written(own, pid=other.pid, updated=late)
        assert found.state == "running"
        assert f"kill -CONT {other.pid}" in found.message
        assert written(own, pid=other.pid, host="elsewhere", updated=late).state == "died"
        other.kill()


def test_other_runs_are_heard_of(work, own):
    """When they last were, once they have ended or died; nothing is said while one may go on."""
    assert last_heard(work, "legal") == {}
    written(own, state="finished", updated=3.0)
    assert last_heard(work, "legal") == {"tiny": 3.0}
    assert last_heard(work, "tiny") == {}
    written(own, updated=4.0)
    assert last_heard(work, "legal") == {"tiny": 4.0}
    written(own)
    assert last_heard(work, "legal") is None
    (own / FILE).write_bytes(b"damaged")
    assert last_heard(work, "legal") is None
    assert last_heard(work, "tiny") == {}


def test_every_pipeline_of_a_work_folder_is_shown(work, own, refinery):
    """The newest run first; the folder of one, or its output, shows that one alone."""
    other = pipeline_folder(work, "legal")
    other.mkdir()
    written(own, started=1.0, state="failed", outputs={"a": str(work.parent / "out")})
    written(other, pipeline="legal", started=2.0, state="finished", outputs={"a": str(work.parent / "law")})
    code, out, _ = refinery("status", work.parent)
    assert (code, [line for line in out.splitlines() if line.endswith(("tiny", "legal"))]) == (
        1,
        ["finished: legal", "failed: tiny"],
    )
    for folder in (other, work.parent / "law"):
        code, out, _ = refinery("status", folder, "--json")
        assert (code, [one["pipeline"] for one in json.loads(out)]) == (0, ["legal"])
    (other / FILE).write_bytes(b"foo")
    assert find_status(work.parent / "out")[0].pipeline == "tiny"


@pytest.mark.parametrize("content", [b"foo", b"[]", b'{"state":"running"}', b"\xff"])
def test_a_damaged_status_is_told(content, work, own, refinery):
    """Not taken for none; of the next run it is a whole one."""
    (own / FILE).write_bytes(content)
    for folder in (work, work.parent):
        code, _, err = refinery("status", folder)
        assert code == 2
        assert err.startswith(f"error: {own / FILE}: the file is damaged")


def test_what_lies_above_a_folder_is_not_blamed(work, own, refinery):
    """A folder above that cannot be read, or whose status is damaged, may be of anything else."""
    (own / FILE).mkdir()
    below = work.parent / "other"
    below.mkdir()
    assert "cannot be read: Is a directory" in refinery("status", work.parent)[2]
    assert "no run is known here" in refinery("status", below)[2]
    (own / FILE).rmdir()
    (own / FILE).write_bytes(b"foo")
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
    assert err.startswith(f"error: {bucket}/work/pipelines: cannot be listed: EndpointConnectionError")


def test_on_an_object_store(own, bucket, s3_server, proxied):
    """The status is read from there, through faults."""
    body = written(own).model_dump_json().encode()
    s3_server.client().put_object(
        Bucket=bucket.removeprefix("s3://"), Key=f"work/pipelines/tiny/{FILE}", Body=body
    )
    proxied(every=2, kinds=("reset",))
    from refinery.storage.place import place_of

    (found,) = find_status(place_of(f"{bucket}/work"))
    assert found.pipeline == "tiny"
    with pytest.raises(InputError, match="no run is known here"):
        find_status(place_of(f"{bucket}/other"))
