"""Files between units of a dedup: records cut by key range, and arrays that are read at random.

Every file is written under a temporary name and renamed, so a killed unit leaves nothing that is read later. All
of a run's units write before any reads, so what an earlier run left behind is replaced, never trusted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from refinery.errors import OutputError

BUFFER_BYTES = 32 << 20  # records held by a writer before they are sorted by range and written

HASH = np.dtype([("high", np.uint64), ("low", np.uint64), ("document", np.int64)])  # a 128-bit hash
BAND = np.dtype([("high", np.uint64), ("document", np.int64)])  # a band's key
PAIR = np.dtype([("document", np.int64), ("twin", np.int64)])


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Opens a temporary file that becomes `path` when all is written; raises OutputError."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        # An error that names another file came from what is read while this one is written.
        if isinstance(error, OSError) and error.filename in (None, str(temporary)):
            raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise


def save(path: Path, array: NDArray[Any]) -> None:
    """Writes an array whole."""
    with replacing(path) as file:
        np.save(file, array)


def load(path: Path) -> NDArray[Any]:
    """A memory map of a saved array."""
    try:
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]
    except ValueError:  # an empty array cannot be mapped
        return np.load(path)  # type: ignore[no-any-return]


def load_raw(path: Path, dtype: type[np.generic], width: int = 1) -> NDArray[Any]:
    """A memory map of values written without a header, as a matrix when `width` is more than 1."""
    if path.stat().st_size == 0:
        return np.empty((0, width) if width > 1 else 0, dtype)
    values = np.memmap(path, dtype, "r")
    return values.reshape(-1, width) if width > 1 else values


def range_count(records: int, dtype: np.dtype[Any], range_bytes: int) -> int:
    """Key ranges for this many records so that each holds about `range_bytes`."""
    return min(max(1, -(-records * dtype.itemsize // range_bytes)), 1 << 15)


class RangeWriter:
    """Writes records, of which the field `high` is uniform over 64 bits, so that a key range can be read alone.

    Files: `path`, the records in runs that are sorted by range; `path`.bounds, int64 (runs, ranges + 1), where each
    range lies in each run. Memory: about three times BUFFER_BYTES.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], ranges: int) -> None:
        self._path, self._dtype, self._ranges = path, dtype, ranges
        self._pending: list[NDArray[Any]] = []
        self._size = 0
        self._written = 0
        self._bounds: list[NDArray[np.int64]] = []

    def __enter__(self) -> RangeWriter:
        self._replacing = replacing(self._path)
        self._file = self._replacing.__enter__()
        return self

    def write(self, records: NDArray[Any]) -> None:
        """Adds records, in any order."""
        self._pending.append(records)
        self._size += records.nbytes
        if self._size >= BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        records = np.concatenate(self._pending) if self._pending else np.empty(0, self._dtype)
        numbers = range_of(records["high"], self._ranges)
        self._file.write(records[np.argsort(numbers, kind="stable")].tobytes())
        counts = np.bincount(numbers, minlength=self._ranges)
        self._bounds.append(self._written + np.concatenate([[0], np.cumsum(counts)]))
        self._written += len(records)
        self._pending, self._size = [], 0

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            self._flush()
            save(self._path.with_suffix(".bounds"), np.array(self._bounds))
        self._replacing.__exit__(*error)


def range_of(high: NDArray[np.uint64], ranges: int) -> NDArray[np.uint16]:
    """The key range of each hash: equal cuts of the space of its upper 32 bits."""
    return ((high >> np.uint64(32)) * np.uint64(ranges) >> np.uint64(32)).astype(np.uint16)


def read_range(paths: list[Path], dtype: np.dtype[Any], number: int) -> NDArray[Any]:
    """All records of one key range from the files of several writers."""
    found = [np.empty(0, dtype)]
    for path in paths:
        with path.open("rb") as file:
            for bounds in np.load(path.with_suffix(".bounds")):
                start, stop = int(bounds[number]), int(bounds[number + 1])
                file.seek(start * dtype.itemsize)
                found.append(np.fromfile(file, dtype, stop - start))
    return np.concatenate(found)
