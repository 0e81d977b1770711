"""Calls on their way to another machine, and what a machine keeps for all of its workers.

A call travels as bytes, so that a worker can set its threads before any library is imported. Files that measurers
load (models) stand in it by the place of a copy that every machine can read, named by its content.
"""

from __future__ import annotations

import contextlib
import getpass
import io
import pickle
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from refinery.storage.place import Place


@dataclass(frozen=True)
class Shipped:
    """A file that units refer to: the place of a copy that every machine reads, named by its content."""

    place: Place
    content: str


def pack(function: Callable[[Any], Any], argument: Any, shipped: Mapping[Path, Shipped]) -> bytes:
    """The call as bytes, paths of shipped files replaced by their copies."""
    if not shipped:
        return pickle.dumps((function, argument), pickle.HIGHEST_PROTOCOL)
    buffer = io.BytesIO()
    _Pickler(buffer, shipped).dump((function, argument))
    return buffer.getvalue()


def unpack(call: bytes) -> tuple[Callable[[Any], Any], Any]:
    """Function and argument."""
    function, argument = pickle.loads(call)
    return function, argument


class _Pickler(pickle.Pickler):
    def __init__(self, buffer: io.BytesIO, shipped: Mapping[Path, Shipped]) -> None:
        super().__init__(buffer, pickle.HIGHEST_PROTOCOL)
        self._shipped = shipped

    def reducer_override(self, obj: Any) -> Any:
        found = self._shipped.get(obj) if isinstance(obj, Path) else None
        return NotImplemented if found is None else (arrived, (str(found.place), found.content))


def arrived(place: str, content: str) -> Path:
    """A local path of a shipped file; one on an object store is fetched once a machine."""
    from refinery.storage.place import is_remote, place_of

    source = place_of(place)
    if not is_remote(source):
        return Path(place)
    target = machine_folder() / "models" / content / source.name
    with _alone(f"model-{content}"):
        if not target.exists():
            _fetch(source, target)
    return target


def _fetch(source: Place, target: Path) -> None:
    from refinery.storage.commit import commit_bytes, make_directory

    make_directory(target.parent)
    commit_bytes(target, source.read_bytes())


def machine_folder() -> Path:
    """Where this machine keeps what its workers share; of this user alone."""
    folder = Path(tempfile.gettempdir()) / f"refinery-{getpass.getuser()}"
    folder.mkdir(mode=0o700, exist_ok=True)
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
            function, argument = unpack(call)
            with contextlib.suppress(Exception):
                function(argument)
        done.touch()
        for old in done.parent.glob("*.prepared"):
            with contextlib.suppress(OSError):
                if old.stat().st_mtime < time.time() - _DAY:
                    old.unlink()


_DAY = 86_400.0
_prepared: set[str] = set()  # by this process


def _alone(name: str) -> FileLock:
    """Held by one process of this machine at a time."""
    return FileLock(machine_folder() / f"{name}.lock")
