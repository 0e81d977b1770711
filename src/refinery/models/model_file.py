"""Model files: found by path only, identified by content, inspected without any kernel."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from refinery.errors import InputError
from refinery.models.fasttext_file import parse_model

BUILT_IN = Path(__file__).with_name("data") / "lid.176.ftz"

_fingerprints: dict[tuple[str, int, int], str] = {}
_labels: dict[str, tuple[str, ...]] = {}
_lock = threading.Lock()


def fingerprint(path: Path) -> str:
    """xxh3-128 of the file in hex; read once a process unless its size or time of change differ."""
    try:
        stat = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    stamp = (str(path.absolute()), stat.st_mtime_ns, stat.st_size)
    with _lock:
        if stamp not in _fingerprints:
            with mapped(path) as content:
                _fingerprints[stamp] = xxhash.xxh3_128_hexdigest(content)
        return _fingerprints[stamp]


def labels(path: Path) -> tuple[str, ...]:
    """The labels of a fastText model as stored, after checking the whole file; raises InputError."""
    key = fingerprint(path)
    if key not in _labels:
        with mapped(path) as content:
            _labels[key] = parse_model(content, str(path)).labels
    return _labels[key]


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """The file's bytes without reading them all into memory."""
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
