"""Model files: found by path only, identified by content, inspected without any kernel."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import xxhash

from refinery.errors import InputError
from refinery.models.fasttext_file import parse_labels, parse_model
from refinery.models.loaded import changed, once

T = TypeVar("T")

BUILT_IN = Path(__file__).with_name("data") / "lid.176.ftz"


def file_hash(path: Path) -> str:
    """xxh3-128 of the file in hex, read once a process unless size or time of change differ; raises InputError."""
    try:
        stat = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None

    def read() -> str:
        with map_file(path) as content:
            return xxhash.xxh3_128_hexdigest(content)

    return once(read, "fingerprint", str(path.absolute()), stat.st_mtime_ns, stat.st_size)


def labels(path: Path) -> tuple[str, ...]:
    """The labels of a fastText model as stored; the whole file is checked unless it is our own. Raises InputError."""
    if path == BUILT_IN:
        return read_once("labels", path, lambda content, _: parse_labels(content, str(path)))
    return read_once("labels", path, lambda content, _: parse_model(content, str(path)).labels)


def read_once(
    kind: str, path: Path, parse: Callable[[bytes | mmap.mmap, str], T], expected: str | None = None
) -> T:
    """What `parse` makes of a file's content and fingerprint, once a process for each kind and content.

    expected: the fingerprint that the file had when the definition was checked. Raises InputError when it cannot be
    read, or is another by now; what this process has read already serves on.
    """
    key = expected or file_hash(path)

    def read() -> T:
        if file_hash(path) != key:
            raise changed(path)
        with map_file(path) as content:
            return parse(content, key)

    return once(read, kind, key)


@contextmanager
def map_file(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes without reading them all into memory; raises InputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            if path.stat().st_size == 0:
                yield b""
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                yield content
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: OSError) -> InputError:
    hint = "models are loaded by path and never downloaded: put the file there or correct the path"
    return InputError(str(path), f"the model cannot be read: {error.strerror or error}", hint)
