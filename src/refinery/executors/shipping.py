"""Calls on their way to another machine, and what a machine keeps for all of its workers.

A call travels as bytes, so that a worker can set its threads before any library is imported. Files that measurers
load (models) stand in it by the place of a copy that every machine can read, named by its content. An argument that
is large, since its unit works on many shards, travels in a file.
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from refinery.errors import DamagedFile, RunError

if TYPE_CHECKING:
    from refinery.storage.place import Place

LARGE = 4096  # bytes of an argument that is sent as it is


@dataclass(frozen=True)
class Shipped:
    """A file that units refer to: `name` below a folder of copies that every machine reads.

    The folder is named by the content of its files, `names`, which are read together.
    """

    folder: Place
    name: str
    names: tuple[str, ...]


def pack(function: Callable[[Any], Any], argument: Any, shipped: Mapping[str, Shipped]) -> bytes:
    """The call as bytes; shipped files stand in it by their copies, whether as a path or as a string."""
    return _pickled((function, argument), shipped)


def unpack(call: bytes) -> tuple[Callable[[Any], Any], Any]:
    """Function and argument; files on an object store are fetched."""
    function, argument = _Unpickler(io.BytesIO(call)).load()
    return function, argument


def _pickled(content: object, shipped: Mapping[str, Shipped]) -> bytes:
    if not shipped:
        return pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    buffer = io.BytesIO()
    _Pickler(buffer, shipped).dump(content)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, shipped: Mapping[str, Shipped]) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL)
        self._shipped = shipped

    def persistent_id(self, obj: Any) -> Any:
        found = self._shipped.get(str(obj)) if isinstance(obj, (str, Path)) else None
        return found and (isinstance(obj, Path), str(found.folder), found.name, found.names)


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, pid: Any) -> Any:
        is_path, folder, name, names = pid
        path = fetch(folder, name, names)
        return path if is_path else str(path)


@dataclass(frozen=True)
class Filed:
    """An argument that lies in a file with others: bytes start:stop, believed by their digest."""

    place: Place
    start: int
    stop: int
    digest: bytes

    def read(self) -> Any:
        """The argument; raises DamagedFile."""
        try:
            content = _read(self.place, self.start, self.stop)
        except FileNotFoundError:
            raise DamagedFile(str(self.place), "it is gone") from None
        if sha256(content).digest() != self.digest:
            raise DamagedFile(str(self.place), "its checksum is wrong")
        return _Unpickler(io.BytesIO(content)).load()


def _read(place: Place, start: int, stop: int) -> bytes:
    if isinstance(place, Path):
        with place.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)
    from refinery.storage.object_store import read_ranges

    return read_ranges([(str(place), start, stop)])[0]


def file_arguments(
    arguments: Sequence[Any], place: Place, shipped: Mapping[str, Shipped], most: int = LARGE
) -> list[Any]:
    """The arguments as they are, but for those of more than `most` bytes, which are written to one file there."""
    from refinery.storage.commit import OutputFile, commit_file, make_directory

    found = list(arguments)
    with contextlib.ExitStack() as stack:
        file: OutputFile | None = None
        for number, argument in enumerate(arguments):
            pickled = _pickled(argument, shipped)
            if len(pickled) <= most:
                continue
            if file is None:
                make_directory(place.parent)
                file = stack.enter_context(commit_file(place, scratch=True))
            start = file.size
            file.write(pickled)
            found[number] = Filed(place, start, file.size, sha256(pickled).digest())
    return found


def fetch(folder: str, name: str, names: Sequence[str]) -> Path:
    """A local path of a shipped file; those on an object store are fetched once a machine, all of the folder."""
    from refinery.storage.place import is_remote, place_of

    source = place_of(folder)
    if not is_remote(source):
        return Path(folder) / name
    here = machine_folder() / "models" / source.name
    with _alone(f"model-{source.name}"):
        for one in names:
            if not (here / one).exists():
                copy_file(source / one, here / one)
        os.utime(here)  # it is in use
    return here / name


def copy_file(source: Place, target: Place) -> None:
    """Copies a file of any size from or to an object store."""
    from refinery.storage.commit import commit_file, make_directory
    from refinery.storage.place import open_input

    make_directory(target.parent)
    with open_input(str(source)) as content, commit_file(target) as copy:
        shutil.copyfileobj(content, copy, 1 << 20)


def machine_folder() -> Path:
    """Where this machine keeps what its workers share; of this user alone.

    Raises RunError if others could have put models there.
    """
    folder = Path(tempfile.gettempdir()) / f"refinery-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RunError(
            f"{folder}: is not a folder of this user alone; remove it, or set TMPDIR to another folder"
        )
    return folder


def prepare_once(key: str, calls: Sequence[bytes]) -> None:
    """Makes the calls unless a worker of this machine has made them for this key; the others wait meanwhile.

    They only warm what units would do by themselves, so an error is left for the unit that meets it.
    """
    if key in _prepared:
        return
    _prepared.add(key)
    done = machine_folder() / f"{key}.prepared"
    with _alone(key):
        if done.exists():
            return
        for call in calls:
            with contextlib.suppress(Exception):
                function, argument = unpack(call)
                function(argument)
        done.touch()
        _sweep()


_KEPT = 7 * 86_400.0  # seconds that what no worker has used stays on a machine
_prepared: set[str] = set()  # by this process


def _sweep() -> None:
    """Removes what nobody has used for long: locks, marks, models, lists."""
    folder = machine_folder()
    for old in (
        found for kind in ("*.prepared", "*.lock", "models/*", "lists/*") for found in folder.glob(kind)
    ):
        with contextlib.suppress(OSError):
            if old.stat().st_mtime < time.time() - _KEPT:
                shutil.rmtree(old) if old.is_dir() else old.unlink()


def _alone(name: str) -> FileLock:
    """Held by one process of this machine at a time."""
    return FileLock(machine_folder() / f"{name}.lock")
