"""Who makes which result of a work folder, so that of several runs one makes it and the others wait for it.

A claim saves work and no more: files appear whole, and two runs that made the same result would write the same bytes.
It ends with its run, whatever ends that. On a disk it is a file lock, of a file that goes with it. On an object store
it is an object that names pipeline and process: it stands while that process holds its pipeline's folder, so the
lease there (`refinery.storage.lease`) is renewed for all claims of a run at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from refinery.errors import RunError
from refinery.storage import object_store
from refinery.storage.commit import cannot_write, make_directory
from refinery.storage.lease import TAKEN_OVER_AFTER, read_lease
from refinery.storage.lock import LOCK
from refinery.storage.place import Place
from refinery.storage.process import Process
from refinery.storage.work_folder import pipeline_folder

CLAIMS = "claims"
AT_ONCE = 16  # requests to a store


@dataclass
class Claimed:
    """Of the keys asked for, those that this run may make now, and by key who makes each of the others."""

    mine: set[str]
    others: dict[str, str]
    _release: Callable[[Sequence[str]], None]

    def release(self, keys: Iterable[str]) -> None:
        """Gives up those of the keys that are this run's."""
        given_up = self.mine & set(keys)
        self.mine -= given_up
        self._release(sorted(given_up))


@contextmanager
def claim(work: Place, pipeline: str, keys: Iterable[str]) -> Iterator[Claimed]:
    """Claims those of the keys that are free, for the block; the caller holds the pipeline's folder.

    A claim of a run that is gone is free. Raises OutputError when the folder cannot be written.
    """
    who, folder = _Claim(pipeline, Process.here()), work / CLAIMS
    claims = _Files(folder) if isinstance(folder, Path) else _Objects(work)
    make_directory(folder)
    try:
        try:
            found = dict(claims.take(sorted(set(keys)), who))
        except OSError as error:
            raise cannot_write(str(folder), error, 0) from None
        others = {key: other.label for key, other in found.items() if other}
        yield Claimed(found.keys() - others.keys(), others, claims.release)
    finally:
        claims.release(list(claims.held))


@dataclass(frozen=True)
class _Claim:
    pipeline: str
    process: Process

    @property
    def label(self) -> str:
        return f"pipeline {self.pipeline} ({self.process.label})" if self.pipeline else "another run"

    def content(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def of(cls, content: bytes) -> _Claim:
        try:
            read = orjson.loads(content)
            return cls(read["pipeline"], Process(**read["process"]))
        except (ValueError, KeyError, TypeError):  # not written yet
            return cls("", Process("", 0, ""))


class _Files:
    """Claims as locked files; held: open files by key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.held: dict[str, int] = {}

    def take(self, keys: Sequence[str], who: _Claim) -> Iterator[tuple[str, _Claim | None]]:
        """Of each key whose it is, None where it is held by now."""
        for key in keys:
            yield key, self._take(key, who)

    def _take(self, key: str, who: _Claim) -> _Claim | None:
        file = self._folder / key
        while True:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                still_there = os.path.samestat(os.fstat(handle), file.stat())
            except BlockingIOError:
                with os.fdopen(handle, "rb") as other:
                    return _Claim.of(other.read())
            except FileNotFoundError:
                still_there = False
            except BaseException:
                os.close(handle)
                raise
            if still_there:
                break
            os.close(handle)  # it was removed between opening and locking
        self.held[key] = handle
        os.truncate(handle, 0)
        os.write(handle, who.content())
        return None

    def release(self, keys: Sequence[str]) -> None:
        """Removes files while they are locked: who opens one in between sees that it is not there any more."""
        for key in keys:
            with contextlib.suppress(OSError):
                (self._folder / key).unlink()
            os.close(self.held.pop(key))


class _Objects:
    """Claims as objects, many requests at once; held: their tags by key."""

    def __init__(self, work: Place) -> None:
        self._work = work
        self.held: dict[str, str] = {}

    def take(self, keys: Sequence[str], who: _Claim) -> Iterator[tuple[str, _Claim | None]]:
        """Of each key whose it is, None where it is held by now."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(keys, pool.map(lambda key: self._take(key, who), keys), strict=True)

    def _take(self, key: str, who: _Claim) -> _Claim | None:
        url, content = str(self._work / CLAIMS / key), who.content()
        tag = object_store.put_new(url, content)
        while not tag:
            try:
                before, found, _ = object_store.read_tagged(url)
            except FileNotFoundError:  # released this moment
                tag = object_store.put_new(url, content)
                continue
            other = _Claim.of(before)
            if other.pipeline != who.pipeline and self._stands(other):
                return other
            tag = object_store.put_over(url, content, found)
        self.held[key] = tag
        return None

    def _stands(self, other: _Claim) -> bool:
        """Whether the process of a claim is known to hold its pipeline's folder; no run of another pipeline does."""
        if not other.pipeline or other.process.is_dead():
            return False
        lease = read_lease(str(pipeline_folder(self._work, other.pipeline) / LOCK))
        if lease is None or lease.age >= TAKEN_OVER_AFTER:
            return False
        holder = lease.holder
        return Process(holder.host, holder.process, holder.started) == other.process

    def release(self, keys: Sequence[str]) -> None:
        """Removes objects; what cannot be removed stands no longer than the run holds its folder."""

        def remove(key: str) -> None:
            with contextlib.suppress(OSError, RunError):
                object_store.remove_version(str(self._work / CLAIMS / key), self.held.pop(key))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(remove, keys))
