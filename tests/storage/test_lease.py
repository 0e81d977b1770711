"""Leases, on a real server."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from refinery.errors import OutputError, RunError, StorageError
from refinery.storage import lease as lease_module
from refinery.storage import object_store, retry
from refinery.storage.lease import Lease, hold_lease, read_lease
from refinery.storage.lock import hold
from refinery.storage.place import place_of


def content(s3_server, bucket):
    return orjson.loads(s3_server.objects(bucket)[".lock"])


@pytest.mark.parametrize("old", [False, True])
def test_one_of_many_takers_wins(old, bucket):
    """Eight at once take a lease that is free, or one that is old: one has it, the others know that they have not."""
    url = f"{bucket}/.lock"
    if old:
        assert Lease(url, 10, 60).acquire() is None
    leases = [Lease(url, 10, 0 if old else 60) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        winners = [
            lease for lease, holder in zip(leases, pool.map(Lease.acquire, leases), strict=True) if not holder
        ]
    for lease in winners:  # with a limit of 0 s a later one may take over from an earlier one
        lease.renew()
    assert len(winners) == 1 or old
    assert len([lease for lease in winners if not lease.lost]) == 1


def test_a_second_run_is_told_who_works_there(bucket, s3_server):
    """The message of a local folder, with the process; afterwards the folder is free and holds no lease."""
    folder = place_of(f"{bucket}/work")
    with hold(folder):
        told = rf"another run is working here \(process {os.getpid()} on "
        with pytest.raises(RunError, match=told), hold(folder):
            pass
        assert set(s3_server.objects(bucket)) == {"work/.lock"}
    assert s3_server.objects(bucket) == {}
    with hold(folder):
        pass


def test_an_error_of_the_run_is_not_one_of_the_folder(bucket):
    """What the block raises comes out as it is; only a folder that cannot be taken is told as such."""
    with pytest.raises(FileNotFoundError, match="of the run"), hold(place_of(f"{bucket}/work")):
        raise FileNotFoundError("of the run")
    told = r"^s3://no-such-bucket-1/work: cannot be written: "
    with pytest.raises(OutputError, match=told), hold(place_of("s3://no-such-bucket-1/work")):
        pass


KILLED = """
import os, signal, sys
from refinery.storage.lease import hold_lease
with hold_lease(sys.argv[1]):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_lease_of_a_dead_process_of_this_machine_is_taken_over_at_once(bucket, s3_server):
    """kill -9, then the same command again: no wait."""
    url = f"{bucket}/.lock"
    subprocess.run([sys.executable, "-c", KILLED, url], check=False)
    assert content(s3_server, bucket)["holder"]["process"] != os.getpid()
    with hold_lease(url):
        assert content(s3_server, bucket)["holder"]["process"] == os.getpid()


def test_a_lease_of_another_machine_is_taken_over_when_it_is_old(bucket, s3_server):
    """Not while its last renewal is younger than the limit, by the server's clock."""
    url = f"{bucket}/.lock"
    holder = {"host": "elsewhere", "process": 7, "started": "1", "token": "x"}
    s3_server.client().put_object(
        Bucket=bucket.removeprefix("s3://"), Key=".lock", Body=orjson.dumps({"holder": holder, "renewals": 1})
    )
    with pytest.raises(RunError, match=r"process 7 on elsewhere.*ends after 60 s"), hold_lease(url):
        pass
    assert Lease(url, 10, 0).acquire() is None
    assert content(s3_server, bucket)["holder"]["process"] == os.getpid()


def test_a_run_whose_lease_was_taken_over_is_stopped(bucket, s3_server):
    """The renewing thread finds another's lease: the main thread is interrupted and the error says why."""
    url = f"{bucket}/.lock"
    other = Lease(url, 10, 0)
    told = "this run was stopped: another run has taken over the folder"
    with pytest.raises(RunError, match=told), hold_lease(url, every=0.05):
        while other.acquire() is not None:  # its holder was faster
            pass
        signal.pause()  # as a driver that waits for its workers
    other.renew()
    assert not other.lost  # it was left to its holder


def test_a_run_that_cannot_renew_in_time_is_stopped(bucket, proxied, monkeypatch):
    """A server that is gone for longer than others wait: they may have taken over, so this run ends."""
    proxy = proxied()
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    patient, hasty = Lease(f"{bucket}/a/.lock", 10, 60), Lease(f"{bucket}/b/.lock", 60, 60)
    assert patient.acquire() is None
    assert hasty.acquire() is None
    proxy.every, proxy.kinds = 1, ("reset",)
    for lease in (patient, hasty):
        lease.renew()
    patient.check()
    with pytest.raises(RunError, match="could not be renewed"):
        hasty.check()


def test_a_store_that_is_gone_is_told_as_a_hold_that_is_lost(bucket):
    """Whatever file it was that could not be written then; before that the file is told."""
    gone = StorageError("s3://bucket/a", "cannot be written: no answer")
    with pytest.raises(StorageError, match="no answer"), hold_lease(f"{bucket}/a/.lock"):
        raise gone
    with (
        pytest.raises(RunError, match=r"could not be renewed in time.*run the same command again"),
        hold_lease(f"{bucket}/a/.lock") as lease,
    ):
        lease.after = 0.0
        raise gone


def test_renewing_keeps_the_lease_young(bucket, s3_server):
    """Each renewal is written; a request whose answer was lost is taken for what it was."""
    url = f"{bucket}/.lock"
    ends = time.monotonic() + 30
    with hold_lease(url, every=0.02):
        while (renewals := content(s3_server, bucket)["renewals"]) < 4 and time.monotonic() < ends:
            pass
    assert renewals >= 4


def test_answers_that_are_lost_do_not_lose_the_lease(bucket, proxied):
    """The server made or replaced the lease, the answer broke off, the repetition is refused: it is ours."""
    proxied(every=2, kinds=("lost_answer",), methods=("PUT",))
    lease = Lease(f"{bucket}/.lock", 10, 60)
    assert lease.acquire() is None
    for _ in range(4):
        lease.renew()
    assert not lease.lost


def test_a_lease_that_is_late_is_lost_for_good(bucket, s3_server):
    """The clock alone says so, before any request; a renewal that comes after does not bring it back."""
    lease = Lease(f"{bucket}/.lock", 60, 60)
    assert lease.acquire() is None
    for _ in range(2):
        with pytest.raises(RunError, match="its hold on the folder could not be renewed in time"):
            lease.check()
        lease.renew()
    lease.release()
    assert content(s3_server, bucket)["holder"]["process"] == os.getpid()  # it may be another's by now


def test_a_lease_that_was_taken_too_slowly_begins_no_run(bucket):
    """When the request lasted as long as the lease holds, another run may have it by now."""
    told = "this run was stopped: its hold on the folder could not be renewed in time"
    with pytest.raises(RunError, match=told), hold_lease(f"{bucket}/.lock", 60, 60):
        pytest.fail("the run began")


def test_a_renewal_that_gets_no_answer_does_not_keep_the_run_going(bucket, s3_server, proxied):
    """A server that takes a request and is silent: the run is interrupted in time, though the request waits on."""
    proxy = proxied()
    # The client is made, which takes a second, before the clock runs.
    assert read_lease(f"{bucket}/.lock") is None
    told = "this run was stopped: its hold on the folder could not be renewed in time"
    with pytest.raises(RunError, match=told), hold_lease(f"{bucket}/.lock", 0.2, 1.5):
        proxy.every, proxy.kinds = 1, ("hang",)
        signal.pause()
    assert proxy.faults["hang"] == 1
    proxy.every = 0
    assert set(s3_server.objects(bucket)) == {".lock"}


def test_one_request_without_an_answer_ends_no_run(bucket, s3_server, proxied, monkeypatch):
    """A connection that was dropped silently is given up in time for the next renewals, whatever became of it."""
    monkeypatch.setattr(lease_module, "TIMEOUT", 0.3)
    proxy = proxied()
    ends = time.monotonic() + 30
    with hold_lease(
        f"{bucket}/.lock", 0.1, 10
    ):  # seconds; far more than the renewals take on a loaded machine
        proxy.every, proxy.kinds, proxy.methods = 2, ("hang",), ("PUT",)
        while proxy.faults["hang"] < 2 and time.monotonic() < ends:
            signal.sigtimedwait((), 0.05)
        hung = content(s3_server, bucket)["renewals"]
        while (renewals := content(s3_server, bucket)["renewals"]) <= hung and time.monotonic() < ends:
            signal.sigtimedwait((), 0.05)
        proxy.every = 0
    assert proxy.faults["hang"] >= 2
    assert renewals > hung


def test_a_renewal_of_which_nothing_was_heard_is_ours(bucket, proxied, monkeypatch):
    """Written, but no answer came to any repetition: the next renewal goes on from it."""
    monkeypatch.setattr(retry, "ATTEMPTS", 1)
    proxy = proxied()
    lease = Lease(f"{bucket}/.lock", 10, 60)
    assert lease.acquire() is None
    proxy.every, proxy.kinds, proxy.methods = 1, ("lost_answer",), ("PUT",)
    lease.renew()
    proxy.every = 0
    lease.renew()
    lease.check()


def test_only_the_version_that_was_read_is_removed(bucket, s3_server):
    """A release that is repeated after its answer was lost does not remove the next holder's lease."""
    url = f"{bucket}/.lock"
    first, second = object_store.put_new(url, b"1"), object_store.put_new(f"{bucket}/other", b"2")
    object_store.remove_version(url, second)
    assert s3_server.objects(bucket)[".lock"] == b"1"
    object_store.remove_version(url, first)
    assert set(s3_server.objects(bucket)) == {"other"}
