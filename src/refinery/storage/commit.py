"""Atomic commit: a file is written under a temporary name beside its place, synced, and renamed once.

Every writer of the package goes through here, so a reader meets a whole file or none, whatever was killed when.
An object appears when its upload completes, which is the same promise.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from refinery.errors import OutputError
from refinery.storage.place import Place
from refinery.storage.url import is_url, local_path, redact

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    temporary = final.with_name(f".{final.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
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


def remove_leftovers(folder: Place) -> None:
    """Removes the temporary files of a process that was killed; on an object store there are none."""
    if isinstance(folder, Path):
        for leftover in folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)


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
