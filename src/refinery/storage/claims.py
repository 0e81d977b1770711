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
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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


@dataclass(frozen=True)
class Claimed:
    """Of the keys asked for, those that this run may make now, and by key who makes each of the others."""

    mine: frozenset[str]
    others: Mapping[str, str]


@contextmanager
def claim(work: Place, pipeline: str, keys: Iterable[str]) -> Iterator[Claimed]:
    """Claims those of the keys that are free, for the block; the caller holds the pipeline's folder.

    A claim of a run that is gone is free. Raises OutputError when the folder cannot be written.
    """
    who = _Claim(pipeline, Process.here())
    folder = work / CLAIMS
    make_directory(folder)
    with ExitStack() as stack:
        mine, others = set(), {}
        try:
            for key, other in _take_all(work, sorted(set(keys)), who, stack):
                if other is None:
                    mine.add(key)
                else:
                    others[key] = other.label
        except OSError as error:
            raise cannot_write(str(folder), error, 0) from None
        yield Claimed(frozenset(mine), others)


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


def _take_all(
    work: Place, keys: list[str], who: _Claim, stack: ExitStack
) -> Iterator[tuple[str, _Claim | None]]:
    """For each key None, if it is claimed by now until the stack ends, or whose it is."""
    if isinstance(work, Path):
        for key in keys:
            yield key, _take_file(work / CLAIMS / key, who, stack)
        return
    pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
    tags: dict[str, str] = {}
    stack.callback(_release_objects, pool, tags)

    def take(key: str) -> _Claim | None:
        url = str(work / CLAIMS / key)
        found = _take_object(work, url, who)
        if isinstance(found, _Claim):
            return found
        tags[url] = found
        return None

    yield from zip(keys, pool.map(take, keys), strict=True)


def _take_file(file: Path, who: _Claim, stack: ExitStack) -> _Claim | None:
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with os.fdopen(handle, "rb") as other:
                return _Claim.of(other.read())
        except BaseException:
            os.close(handle)
            raise
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), file.stat()):
                break
        os.close(handle)  # it was removed between opening and locking
    stack.callback(_release_file, file, handle)
    os.truncate(handle, 0)
    os.write(handle, who.content())
    return None


def _release_file(file: Path, handle: int) -> None:
    """Removed first: who opens it in between sees that it is not there any more."""
    with contextlib.suppress(OSError):
        file.unlink()
    os.close(handle)


def _take_object(work: Place, url: str, who: _Claim) -> str | _Claim:
    """The tag of the claim that was written, or whose it is."""
    content = who.content()
    while (tag := object_store.put_new(url, content)) is None:
        try:
            before, tag, _ = object_store.read_tagged(url)
        except FileNotFoundError:  # released this moment
            continue
        found = _Claim.of(before)
        if found.pipeline != who.pipeline and _stands(work, found):
            return found
        if replaced := object_store.put_over(url, content, tag):
            return replaced
    return tag


def _stands(work: Place, found: _Claim) -> bool:
    """Whether the process of a claim is known to hold its pipeline's folder; no run of another pipeline does."""
    if not found.pipeline or found.process.is_dead():
        return False
    lease = read_lease(str(pipeline_folder(work, found.pipeline) / LOCK))
    if lease is None or lease.age >= TAKEN_OVER_AFTER:
        return False
    holder = lease.holder
    return Process(holder.host, holder.process, holder.started) == found.process


def _release_objects(pool: ThreadPoolExecutor, tags: dict[str, str]) -> None:
    pool.shutdown(cancel_futures=True)  # what was being claimed when another claim failed is known then
    with ThreadPoolExecutor(AT_ONCE) as releasing:
        list(releasing.map(_release_object, tags, tags.values()))


def _release_object(url: str, tag: str) -> None:
    """What cannot be removed stands no longer than the run holds its folder."""
    with contextlib.suppress(OSError, RunError):
        object_store.remove_version(url, tag)
