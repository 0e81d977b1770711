"""Finding a source's files, local or behind a URL: paths, folders and globs, their order, what is passed over.

Local paths go straight to the operating system; only URLs load fsspec. A URL's user, password and query may be
secret, so everything shown to a user goes through `redact`.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from refinery.errors import InputError
from refinery.sources.lake_tables import not_live
from refinery.sources.stray import stray_names
from refinery.storage.place import require_data
from refinery.storage.url import is_url, local_path, redact

_MAGIC = re.compile(r"[*?\[]")
_TAGS = ("md5Hash", "blob_id", "ETag", "etag", "generation")  # hashes first: a new description is a new etag
_TIMES = ("LastModified", "last_modified", "mtime", "created")


class FileState(NamedTuple):
    """Bytes, and a stamp that changes with the content: a store's tag if `tagged`, else the modification time.

    ctime: ns, on a disk, of the last change of content, mode or name: a file that is moved here keeps its stamp.
    """

    size: int
    stamp: str
    tagged: bool = False
    ctime: int = 0


_MISSING = FileState(-1, "")  # of what cannot be read: reading it will say so


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a source: where it is, its path below the source's root, its state."""

    path: str
    relative: str
    state: FileState


@dataclass(frozen=True)
class Found:
    """Files in natural order of their paths; stray ones that were passed over; those that a table has no more."""

    files: tuple[FoundFile, ...]
    ignored: tuple[FoundFile, ...]
    not_live: tuple[FoundFile, ...] = ()


def natural(path: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key that puts part-2 before part-10; ties are broken by the path itself.

    >>> sorted(["p10", "p2", "p02"], key=natural)
    ['p02', 'p2', 'p10']
    """
    pieces = re.split(r"(\d+)", path)
    return tuple(int(piece) if number % 2 else piece for number, piece in enumerate(pieces)), path


_LISTINGS: ContextVar[dict[tuple[str, ...], Found] | None] = ContextVar("listings", default=None)


@contextmanager
def listed_once() -> Iterator[None]:
    """Within it `find` lists the same patterns once: a check and a plan see one state of a source."""
    token = _LISTINGS.set({})
    try:
        yield
    finally:
        _LISTINGS.reset(token)


def find(patterns: Sequence[str]) -> Found:
    """The files that paths, folders and globs name; an existing path is taken literally.

    Raises InputError when a pattern names nothing, for a table that cannot be read by its files, and when a URL's
    filesystem is not installed or not reachable.
    """
    listings, key = _LISTINGS.get(), tuple(patterns)
    if listings is None:
        return _find(patterns)
    if key not in listings:
        listings[key] = _find(patterns)
    return listings[key]


def _find(patterns: Sequence[str]) -> Found:
    files: dict[str, FileState] = {}
    ignored: dict[str, FileState] = {}
    roots: list[str] = []
    for pattern in patterns:
        here = dict(_expand(pattern))
        if not here:
            raise InputError(redact(pattern), "no such file, folder or glob match", _nearby(pattern))
        root = _root(pattern, here)
        roots.append(root)
        if len(here) == 1 and _plain(pattern) in here:
            files |= here
            continue
        is_stray = stray_names(root, asked=_plain(pattern).rpartition("/")[2], of_store=is_url(pattern))
        for path, found in here.items():
            (ignored if is_stray(path) else files)[path] = found
    root = _common(roots)
    everything = {**ignored, **files}
    gone = not_live(everything, everything)
    stray = everything.keys() - files.keys() - gone
    return Found(
        *(
            tuple(
                FoundFile(path, _below(path, root), everything[path]) for path in sorted(paths, key=natural)
            )
            for paths in (files.keys() - gone, stray, gone)
        )
    )


def state(path: str) -> FileState:
    """What the disk or the store tells of a file; raises OSError when there is none, or a pipe, device or socket."""
    if not is_url(path):
        return _state_of(os.stat(local_path(path)))  # noqa: PTH116  (a Path a file takes longer than the system)
    from refinery.storage.object_store import info

    return _remote_state(info(path))


def _state_of(status: os.stat_result) -> FileState:
    require_data(status)
    return FileState(status.st_size, str(status.st_mtime_ns), ctime=status.st_ctime_ns)


def _remote_state(info: dict[str, Any]) -> FileState:
    size = int(info.get("size") or 0)
    for key in _TAGS:
        if info.get(key):
            return FileState(size, str(info[key]), tagged=True)
    stamp = next((info[key] for key in _TIMES if info.get(key)), "")
    if isinstance(stamp, datetime):  # a listing may give in seconds what an entry alone gives as a time
        stamp = stamp.timestamp()
    return FileState(size, str(stamp))


def _plain(pattern: str) -> str:
    return pattern if is_url(pattern) else os.path.normpath(local_path(pattern))


def _expand(pattern: str) -> Iterator[tuple[str, FileState]]:
    if is_url(pattern):
        yield from _expand_url(pattern)
        return
    path = _plain(pattern)
    if os.path.lexists(path):
        yield from _at(path)
    else:
        folder, below = _literal_folder(path)
        # not Path.glob: it drops files below linked folders, and wants relative patterns
        for match in glob.iglob(glob.escape(folder) + below, recursive=True, include_hidden=True):  # noqa: PTH207
            yield from _at(match, inside=not path.endswith("**"))


def _at(path: str, *, inside: bool = True) -> Iterator[tuple[str, FileState]]:
    """The file at a path; of a folder what lies inside of it, or nothing."""
    found = _local_state(path)
    if found is not None:
        yield os.path.normpath(path), found
    elif inside:
        yield from _walk(path)


def _literal_folder(pattern: str) -> tuple[str, str]:
    """The longest leading part of a local pattern that is a folder as it is written, and the pattern below it.

    A folder's name may hold what is magic in a pattern: [2024].
    """
    known = _before_magic(pattern)
    while (following := pattern.find("/", len(known) + 1)) > 0 and os.path.isdir(pattern[:following]):  # noqa: PTH112
        known = pattern[:following]
    return known, pattern[len(known) :]


def _folder_of(pattern: str) -> str:
    """The folder that all lies in that a local pattern can match."""
    folder, below = _literal_folder(pattern)
    return folder + _before_magic(below)


def _before_magic(pattern: str) -> str:
    return _MAGIC.split(pattern, maxsplit=1)[0].rpartition("/")[0]


def _local_state(path: str) -> FileState | None:
    """What the disk tells of what lies at a path, None of a folder."""
    try:
        status = os.stat(path)  # noqa: PTH116
        return None if stat.S_ISDIR(status.st_mode) else _state_of(status)
    except OSError:  # a dangling link or no file of data
        return _MISSING


def _walk(folder: str) -> Iterator[tuple[str, FileState]]:
    seen: set[str] = set()
    closed: list[OSError] = []  # folders that cannot be listed
    for here, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        for name in names:
            path = f"{here.rstrip('/')}/{name}"
            yield path, _local_state(path) or _MISSING
    for error in closed:
        yield str(error.filename), _MISSING


def _expand_url(pattern: str) -> Iterator[tuple[str, FileState]]:
    from refinery.storage.object_store import filesystem_of, matching

    inner = filesystem_of(pattern)[1]
    below = inner.lstrip("/")
    head = (
        pattern[: len(pattern) - len(below)]
        if pattern.endswith(below)
        else pattern.partition("://")[0] + "://"
    )
    try:
        listed = matching(pattern)
    except OSError as error:
        raise InputError(redact(pattern), f"cannot be listed: {error.strerror}") from None
    for name, info in listed.items():
        path = pattern if name == inner else head + name.lstrip("/")
        yield path, _remote_state(info)


def _root(pattern: str, here: dict[str, FileState]) -> str:
    """The folder that relative paths count from: the part of the pattern before its first magic character."""
    plain = _plain(pattern)
    if len(here) == 1 and plain in here:
        return plain.rpartition("/")[0]
    if not _MAGIC.search(plain) or any(path.startswith(plain.rstrip("/") + "/") for path in here):
        return plain.rstrip("/")
    return _before_magic(plain) if is_url(pattern) else _folder_of(plain)


def _common(roots: list[str]) -> str:
    shared = roots[0].split("/")
    for root in roots[1:]:
        pairs = zip(shared, root.split("/"), strict=False)
        shared = [one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    return "/".join(shared)


def _below(path: str, root: str) -> str:
    below = path[len(root) :].lstrip("/") if path.startswith(root) else path
    if not is_url(path):  # a ? is a part of its name, bytes that are no text are escapes
        return below.encode(errors="backslashreplace").decode()
    return redact(below) if "://" in below else below.partition("?")[0]


def _nearby(pattern: str) -> str:
    """What is there instead, for the hint."""
    if is_url(pattern):
        return "check the bucket, the path and your credentials"
    folder = Path(_folder_of(_plain(pattern)) or "/")
    if not os.path.isdir(folder):  # noqa: PTH112
        return f"the folder {folder} does not exist"
    try:
        names = sorted(entry.name for entry in folder.iterdir())[:5]
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return f"{folder} holds {', '.join(names)}" if names else f"{folder} is empty"
