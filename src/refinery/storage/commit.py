"""Atomic commit: a file is written under a temporary name beside its place, synced, and renamed once.

Every writer of the package goes through here, so a reader meets a whole file or none, whatever was killed when.
An object appears when its upload completes, which is the same promise. A temporary name says which process writes it,
so that several may write into one folder and what a killed one left can be told from what another writes just now.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import xxhash

from refinery.errors import OutputError
from refinery.storage.place import Place
from refinery.storage.process import Process
from refinery.storage.url import is_url, local_path, redact

ABANDONED = 86_400.0  # seconds without a write after which a temporary file of another machine is a leftover
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_TEMPORARY = re.compile(r"\..+\.([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{8}\.tmp")


class OutputFile(io.RawIOBase):
    """A file being written: counts and hashes its bytes; a failed write is an OutputError that names the folder."""

    def __init__(self, file: BinaryIO, place: str, *, hashed: bool = True) -> None:
        self._file = file
        self._place = place
        self._hash = hashlib.sha256()
        self._hashed = hashed
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hex digest of everything written so far."""
        return self._hash.hexdigest()

    def writable(self) -> bool:
        """True: pyarrow asks before it writes."""
        return True

    def write(self, data: Any) -> int:
        """Writes all of the data; raises OutputError."""
        view = memoryview(data).cast("B")
        try:
            self._file.write(view)
        except OSError as error:
            raise cannot_write(self._place, error, self.size) from None
        if self._hashed:
            self._hash.update(view)
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size


@contextmanager
def commit_file(path: Place | str, *, scratch: bool = False) -> Iterator[OutputFile]:
    """A file to write to that takes its place only if the block ends without an error.

    scratch: for files of the work folder, whose damage is found when they are read and which can be made again; they
    are neither synced nor hashed.
    Raises OutputError, naming the folder and the bytes written and free, when the place cannot be written;
    StorageError when an object store does not answer.
    """
    place = str(path)
    if is_url(place):
        with _uploaded(place, scratch=scratch) as output:
            yield output
        return
    final = Path(local_path(place))
    temporary = final.with_name(temporary_name(final.name))
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise cannot_write(place, error, 0) from None
    output = OutputFile(file, place, hashed=not scratch)
    try:
        yield output
        try:
            file.flush()
            if not scratch:
                os.fsync(file.fileno())
            file.close()
            temporary.replace(final)
        except OSError as error:
            raise cannot_write(place, error, output.size) from None
    except BaseException:
        with contextlib.suppress(OSError):  # closing flushes once more what did not fit
            file.close()
        temporary.unlink(missing_ok=True)
        raise
    if not scratch:
        _sync_folder(final.parent)


def make_directory(path: Place) -> None:
    """Makes a folder and those above it, on a local disk; raises OutputError when it cannot be made."""
    if not isinstance(path, Path):
        return  # an object store has no folders
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from None


def temporary_name(name: str) -> str:
    """A name of its own for a file that this process writes and that is to be called `name`."""
    here = Process.here()
    return f".{name}.{_mark(here.host)}-{here.process}-{here.started}-{secrets.token_hex(4)}.tmp"


def _mark(host: str) -> str:
    return xxhash.xxh32_hexdigest(host.encode())


def remove_leftovers(folder: Place) -> None:
    """Removes the temporary files of processes that were killed; on an object store there are none."""
    if isinstance(folder, Path):
        for file in folder.glob(".*.tmp"):
            remove_leftover(file)


def remove_leftover(file: Path) -> None:
    """Removes a temporary file that nobody writes any more."""
    if is_leftover(file):
        file.unlink(missing_ok=True)


def is_leftover(file: Path) -> bool:
    """Whether nobody writes a temporary file any more.

    A process of this machine is looked for; those of others have a day from one write to the next.
    """
    here, found = Process.here(), _TEMPORARY.fullmatch(file.name)
    if found and found[1] == _mark(here.host):
        writer = Process(here.host, int(found[2]), found[3])
        if writer.started:
            return writer.is_dead()
    with contextlib.suppress(FileNotFoundError):
        return time.time() - file.stat().st_mtime > ABANDONED
    return False


def commit_bytes(path: Place | str, content: bytes, *, scratch: bool = False) -> None:
    """Writes a small file atomically; `scratch` as in `commit_file`."""
    with commit_file(path, scratch=scratch) as file:
        file.write(content)


@contextmanager
def _uploaded(url: str, *, scratch: bool) -> Iterator[OutputFile]:
    """Made on local disk and uploaded whole: fsspec's own writers finish an upload even when they are dropped.

    The file on disk has no name, so a process that is killed leaves nothing there either.
    """
    from refinery.storage.object_store import upload

    with tempfile.TemporaryFile(prefix="refinery-") as file:
        output = OutputFile(cast(BinaryIO, file), f"{tempfile.gettempdir()}/upload", hashed=not scratch)
        yield output
        file.flush()
        try:
            upload(cast(BinaryIO, file), url)
        except OSError as error:
            raise cannot_write(url, error, output.size) from None


def cannot_write(place: str, error: OSError, written: int) -> OutputError:
    """What to tell about a write that failed: the folder, why, and how many bytes were written and are free."""
    reason = error.strerror or type(error).__name__
    if is_url(place):
        return OutputError(f"{redact(place)}: cannot be written: {reason}")
    path = Path(local_path(place))
    if error.errno in _FULL:
        try:
            free = f"{shutil.disk_usage(path.parent).free:,} bytes free"
        except OSError:
            free = "free space unknown"
        return OutputError(
            f"{path.parent}: {reason} while writing {path.name} ({written:,} bytes written, {free}); "
            "make room or choose another folder, then run the same command again"
        )
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return OutputError(f"{path.parent}: the folder does not exist, so {path.name} cannot be written")
    return OutputError(f"{path.parent}: {path.name} cannot be written: {reason}")


def _sync_folder(folder: Path) -> None:
    """Makes the rename itself durable, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
