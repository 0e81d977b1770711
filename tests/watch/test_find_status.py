"""The status of a run, found by its folders, and what is made of it afterwards."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from refinery.errors import InputError
from refinery.watch.find_status import find_status
from refinery.watch.status import FILE, SILENCE, Status
from tests.s3_server import use


@pytest.fixture
def work(tmp_path):
    """An empty work folder."""
    folder = tmp_path / ".refinery"
    folder.mkdir()
    return folder


def test_a_run_is_found_by_its_folders(data_repository, refinery):
    """The work folder, that of the definition and the output name the same run; a folder without one is refused."""
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    for folder in (data_repository, data_repository / ".refinery", data_repository / "out"):
        code, out, _ = refinery("status", folder)
        assert (code, out.splitlines()[0]) == (0, "finished: tiny")
    found = json.loads(refinery("status", data_repository, "--json")[1])
    assert found["outputs"] == {"unique": str(data_repository / "out")}
    assert Path(found["log"]).read_bytes().endswith(b"\n")
    files = [file for file in (data_repository / ".refinery").rglob("*") if file.is_file()]
    assert found["work_bytes"] == sum(file.stat().st_size for file in files)
    code, _, err = refinery("status", data_repository / "crawl")
    assert code == 2
    assert "no run is known here" in err
    before = (data_repository / ".refinery" / FILE).read_bytes()
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0  # with nothing to do
    assert (data_repository / ".refinery" / FILE).read_bytes() == before


def written(work, **changed):
    """A status of a running run, changed."""
    now = time.time()
    status = Status(
        state="running", pipeline="tiny", pid=os.getpid(), host=os.uname().nodename, started=now, updated=now
    )
    (work / FILE).write_text(status.model_copy(update=changed).model_dump_json())
    return find_status(work)


def test_a_run_whose_process_is_gone_died(work):
    """On this machine at once, elsewhere when nothing is heard of it for a while."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert written(work).state == "running"
    assert written(work, pid=ended.pid).state == "died"
    assert written(work, pid=ended.pid, host="elsewhere").state == "running"
    late = time.time() - SILENCE - 1
    died = written(work, host="elsewhere", updated=late)
    assert died.state == "died"
    assert "nothing was heard of it for 61 s" in died.message
    assert written(work, pid=ended.pid, state="finished").state == "finished"


@pytest.mark.parametrize("content", [b"foo", b"[]", b'{"state":"running"}', b"\xff"])
def test_a_damaged_status_is_told(content, work, refinery):
    """Not taken for none; of the next run it is a whole one."""
    (work / FILE).write_bytes(content)
    for folder in (work, work.parent):
        code, _, err = refinery("status", folder)
        assert code == 2
        assert err.startswith(f"error: {work / FILE}: the file is damaged")


def test_what_lies_above_a_folder_is_not_blamed(work, refinery):
    """A folder above that cannot be read, or whose status is damaged, may be of anything else."""
    (work / FILE).mkdir()
    below = work.parent / "other"
    below.mkdir()
    assert "cannot be read: Is a directory" in refinery("status", work.parent)[2]
    assert "no run is known here" in refinery("status", below)[2]
    (work / FILE).rmdir()
    (work / FILE).write_bytes(b"foo")
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


def test_on_an_object_store(work, bucket, s3_server, proxied):
    """The status is read from there, through faults."""
    body = written(work).model_dump_json().encode()
    s3_server.client().put_object(Bucket=bucket.removeprefix("s3://"), Key=f"work/{FILE}", Body=body)
    proxied(every=2, kinds=("reset",))
    from refinery.storage.place import place_of

    assert find_status(place_of(f"{bucket}/work")).pipeline == "tiny"
    with pytest.raises(InputError, match="no run is known here"):
        find_status(place_of(f"{bucket}/other"))
