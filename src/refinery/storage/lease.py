"""A folder on an object store held by one process: a lease, written on condition, renewed, taken over when old.

An object store has no file locks. The lease is an object made with If-None-Match, so that of two processes one makes
it, and replaced with If-Match and the tag that was read, so that of two that renew it or take it over one succeeds.
Its age is told by the server's own clock. A lease that was not renewed for `after` seconds is taken over; one whose
process is known to be dead, on this machine, at once. A process that finds its lease gone, or that could not renew it
until one renewal before others may take it, is stopped by an error: its own clock says so, whatever became of the
request that renews, and for a process or machine that was suspended too.

Stores without conditional writes (all but S3 and compatible ones) keep two runs apart only when the second starts
after the first has written its lease.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from refinery.errors import FolderInUse, RunError, StorageError
from refinery.storage import object_store
from refinery.storage.clock import steady_seconds
from refinery.storage.process import Process
from refinery.storage.url import redact

RENEW_EVERY = 10.0  # seconds
TAKEN_OVER_AFTER = 60.0  # seconds without a renewal
TIMEOUT = 5.0  # seconds of one request, so that a connection that was silently dropped leaves time for others
PAUSE = 1.0  # seconds after a renewal that failed


@dataclass(frozen=True)
class Holder(Process):
    """Who holds a lease: a process, and a word of its own for this lease."""

    token: str


class Lease:
    """A lease that this process holds; `check` raises when it holds it no longer, or may not."""

    def __init__(self, url: str, every: float, after: float) -> None:
        self.url = url
        self.every, self.after = every, after
        self.lost = ""
        self._holder = Holder(**vars(Process.here()), token=secrets.token_hex(8))
        self._renewals = 0
        self._tag = ""
        self._problem = ""  # of the last renewal
        self._ended, self._wake = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._renewed = steady_seconds()  # before the request: the server's clock starts later

    def acquire(self) -> Holder | None:
        """Takes the lease; the holder's name if another run has it."""
        self._renewed = steady_seconds()
        tag = object_store.put_new(self.url, self._content())
        if tag is None:
            found = read_lease(self.url)
            if found is None:  # released this moment
                tag = object_store.put_new(self.url, self._content())
                if tag is None:
                    return self._holder if (found := read_lease(self.url)) is None else found.holder
            elif found.holder == self._holder:  # made by a request whose answer was lost
                tag = found.tag
            elif found.age < self.after and not found.holder.is_dead():
                return found.holder
            else:
                tag = self._replace(found.tag)
                if tag is None:  # another run was faster
                    return found.holder
        self._tag = tag
        return None

    def _content(self) -> bytes:
        self._renewals += 1
        return orjson.dumps({"holder": self._holder, "renewals": self._renewals})

    def _replace(self, tag: str) -> str | None:
        content = self._content()
        new = object_store.put_over(self.url, content, tag, TIMEOUT)
        if new is None:
            found = read_lease(self.url)
            if found is not None and found.holder == self._holder:
                # by a request whose answer was lost: this one, or one of an earlier renewal
                this = found.renewals == self._renewals
                return found.tag if this else object_store.put_over(self.url, content, found.tag, TIMEOUT)
        return new

    def renew(self) -> None:
        """Writes the lease anew; sets `lost` when another run has it."""
        begun = steady_seconds()
        try:
            tag = self._replace(self._tag)
        except (OSError, StorageError) as error:
            self._problem = f": {error}"
            return
        if tag is None:
            self.lost = self.lost or "another run has taken over the folder"
        else:
            self._tag, self._renewed, self._problem = tag, begun, ""

    def check(self) -> None:
        """Raises RunError when the lease is lost; what was lost once stays lost."""
        if not self.lost and self._left() <= 0:
            self.lost = f"its hold on the folder could not be renewed in time{self._problem}"
        if self.lost:
            folder = redact(self.url.rpartition("/")[0])
            raise RunError(
                f"{folder}: this run was stopped: {self.lost}; run the same command again to go on"
            )

    def _left(self) -> float:
        """Seconds until the lease is given up, which is before others may take it over."""
        return self._renewed + self.after - self.every - steady_seconds()

    def keep_renewing(self) -> None:
        """Renews until `release` or until the lease is lost."""
        while not self.lost and not self._ended.wait(min(self.every, PAUSE) if self._problem else self.every):
            self.renew()
        self._wake.set()

    def watch(self, main: int) -> None:
        """Looks at the clock whatever the renewing waits for; interrupts the main thread when the lease is lost."""
        while not self._ended.is_set():
            try:
                self.check()
            except RunError:
                with self._lock:
                    if not self._ended.is_set():
                        signal.pthread_kill(main, signal.SIGINT)
                return
            self._wake.wait(min(self.every, self._left()) + 0.01)

    def end(self) -> None:
        """Ends the renewing; the main thread is not interrupted any more."""
        with self._lock:
            self._ended.set()
        self._wake.set()

    def release(self) -> None:
        """Removes the lease, unless it may be another's by now: then it is left to grow old."""
        self.end()
        with contextlib.suppress(OSError, RunError):
            self.check()
            found = read_lease(self.url)
            if found is not None and found.holder == self._holder:
                object_store.remove_version(self.url, found.tag)


@contextmanager
def hold_lease(url: str, every: float = RENEW_EVERY, after: float = TAKEN_OVER_AFTER) -> Iterator[Lease]:
    """Holds the lease for the block. Raises FolderInUse when another run has it, RunError when one takes it over."""
    lease = Lease(url, every, after)
    holder = lease.acquire()
    if holder is not None:
        folder = redact(url.rpartition("/")[0])
        raise FolderInUse(
            f"{folder}: another run is working here ({holder.label}); wait for it, or give this one another folder. "
            f"The hold of a run that died ends after {after:.0f} s"
        )
    threads = [
        threading.Thread(target=lease.keep_renewing, name="lease", daemon=True),
        threading.Thread(
            target=lease.watch, args=(threading.main_thread().ident,), name="lease-watch", daemon=True
        ),
    ]
    try:
        try:
            lease.check()  # taking it may have lasted as long as it holds
            for thread in threads:
                thread.start()
            yield lease
            lease.check()
        finally:
            lease.end()
    except (KeyboardInterrupt, StorageError):
        lease.check()  # a store that is gone is told as what it is for the run
        raise
    finally:
        lease.release()
        for thread in threads:
            if thread.is_alive():
                thread.join(1)


@dataclass(frozen=True)
class FoundLease:
    """A lease as it lies there."""

    holder: Holder
    renewals: int
    tag: str
    age: float  # seconds


def read_lease(url: str) -> FoundLease | None:
    """The lease that lies there, whoever holds it; None if there is none."""
    try:
        content, tag, age = object_store.read_tagged(url, TIMEOUT)
    except FileNotFoundError:
        return None
    try:
        read = orjson.loads(content)
        return FoundLease(Holder(**read["holder"]), int(read["renewals"]), tag, age)
    except (ValueError, KeyError, TypeError):
        return FoundLease(Holder("an unknown machine", 0, "", ""), 0, tag, age)
