"""Files between the units of a dedup: records cut into parts, of which a later unit reads one part from each file.

A unit writes one file of each kind it makes, its records sorted by part, and beside it where the parts lie; a unit
of the next step reads its part of every file: one range of bytes each. Writing goes through storage.commit, reading
is a read of a range of a local file or of an object, so the files may lie on storage that all nodes share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DamagedFile
from refinery.storage.commit import committed
from refinery.storage.place import Place, read_file, read_many

READ_BYTES = (
    1 << 20
)  # what one read of one part should have at least, for an object store's and a disk's sake
LEAST_BYTES, MOST_BYTES = 4 << 20, 1 << 30  # of a range that is chosen
MOST_PARTS = 1 << 20
BLOCK_RECORDS = 1 << 20  # read at a time of a file that is read through
AT_ONCE = 16  # reads of an object store that are under way together
BOUNDS_AT_ONCE = 64

PAIR = np.dtype([("document", np.int64), ("twin", np.int64)])
_K1 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio
_K2 = np.uint64(0xC4CEB9FE1A85EC53)  # MurmurHash3's finaliser


def range_bytes(records: int, record_bytes: int) -> int:
    """Size of a range so that a read of it from a file of the same size has READ_BYTES: sqrt(all * READ_BYTES).

    >>> range_bytes(900_000_000, 16) >> 20, range_bytes(90_000_000_000, 16) >> 20
    (117, 1024)
    """
    chosen = int((float(records) * record_bytes * READ_BYTES) ** 0.5)
    return min(max(chosen, LEAST_BYTES), MOST_BYTES)


def part_count(records: int, dtype: np.dtype[Any], part_bytes: int) -> int:
    """Parts for this many records so that each holds about `part_bytes`; at least one."""
    return min(max(1, -(-records * dtype.itemsize // part_bytes)), MOST_PARTS)


def part_of(high: NDArray[np.uint64], parts: int) -> NDArray[np.int64]:
    """The part of each hash: equal cuts of its upper 32 bits; cuts into parts * m refine those into parts."""
    return ((high >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32)).astype(np.int64)


def scattered(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A hash of each number, so that neighbours come into different parts."""
    h = numbers.astype(np.uint64) * _K1
    h ^= h >> np.uint64(32)
    h *= _K2
    h ^= h >> np.uint64(29)
    return h * _K1


def save(place: Place, array: NDArray[Any]) -> None:
    """Writes an array's values whole, without a header."""
    with committed(place, scratch=True) as file:
        file.write(_bytes(array))


def load(place: Place, dtype: np.dtype[Any]) -> NDArray[Any]:
    """All values of a file; writable. Raises DamagedFile when it is gone."""
    try:
        return np.frombuffer(bytearray(read_file(place)), dtype)
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None


def blocks(place: Place, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """A file's values, BLOCK_RECORDS at a time."""
    records = record_count(place, dtype)
    for start in range(0, records, BLOCK_RECORDS):
        yield from _load([(place, start, min(start + BLOCK_RECORDS, records))], dtype)


def record_count(place: Place, dtype: np.dtype[Any]) -> int:
    """How many records a file holds; raises DamagedFile when it is gone."""
    try:
        if isinstance(place, Path):
            return place.stat().st_size // dtype.itemsize
        from refinery.storage.object_store import info

        return int(info(str(place))["size"]) // dtype.itemsize
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None


def _load(cuts: Sequence[tuple[Place, int, int]], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The records start:stop of each file, writable; raises DamagedFile when they are not there."""
    size = dtype.itemsize
    for first in range(0, len(cuts), AT_ONCE):
        here = cuts[first : first + AT_ONCE]
        if not isinstance(here[0][0], Path):
            from refinery.storage.object_store import read_ranges

            ranges = [(str(place), start * size, stop * size) for place, start, stop in here]
            yield from (np.frombuffer(bytearray(content), dtype) for content in read_ranges(ranges))
            continue
        for place, start, stop in here:
            try:
                found = np.fromfile(str(place), dtype, stop - start, offset=start * size)
            except FileNotFoundError:
                raise DamagedFile(str(place), "it is gone") from None
            if len(found) != stop - start:
                raise DamagedFile(str(place), f"{len(found)} of {stop - start} records are there")
            yield found


class CutWriter:
    """Writes records cut into parts that can be read alone.

    Files: `place`, the records in blocks of about `buffer_bytes`, each sorted by part and else in the order given;
    `place`.bounds, int64 (blocks, parts + 1), where each part lies in each block. Memory: about three times
    `buffer_bytes`. `written` counts the records.
    """

    def __init__(self, place: Place, dtype: np.dtype[Any], parts: int, buffer_bytes: int) -> None:
        self._place, self._dtype, self._parts, self._buffer = place, dtype, parts, buffer_bytes
        self._pending: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._size = 0
        self._bounds: list[NDArray[np.int64]] = []
        self._stack = ExitStack()
        self.written = 0

    def __enter__(self) -> CutWriter:
        self._file = self._stack.enter_context(committed(self._place, scratch=True))
        return self

    def write(self, records: NDArray[Any], numbers: NDArray[np.int64]) -> None:
        """Adds records, in any order, with the part of each."""
        narrow = np.uint16 if self._parts <= 1 << 16 else np.uint32  # 16 bits are sorted by radix
        self._pending.append((records, numbers.astype(narrow)))
        self._size += records.nbytes
        if self._size >= self._buffer:
            self._flush()

    def _flush(self) -> None:
        if self._pending:
            records = np.concatenate([records for records, _ in self._pending])
            numbers = np.concatenate([numbers for _, numbers in self._pending])
            self._pending, self._size = [], 0
        else:
            records, numbers = np.empty(0, self._dtype), np.empty(0, np.uint16)
        counts = np.bincount(numbers, minlength=self._parts)
        self._bounds.append(self.written + np.concatenate([[0], np.cumsum(counts)]))
        order = np.argsort(numbers, kind="stable")
        del numbers
        self._file.write(_bytes(records[order]))
        self.written += len(records)

    def __exit__(self, *error: Any) -> None:
        if error[0] is None:
            if self._pending or not self._bounds:
                self._flush()
            save(_bounds_of(self._place), np.array(self._bounds, np.int64))
        self._stack.__exit__(*error)


def write_cut(place: Place, records: NDArray[Any], numbers: NDArray[np.int64], parts: int) -> None:
    """Writes records that are all there, cut into parts."""
    with CutWriter(place, records.dtype, parts, MOST_BYTES) as writer:
        writer.write(records, numbers)


def write_blobs(place: Place, blobs: Sequence[bytes]) -> None:
    """Writes a part each of bytes."""
    with committed(place, scratch=True) as file:
        for blob in blobs:
            file.write(blob)
    save(_bounds_of(place), np.cumsum([0, *map(len, blobs)]))


def read_cut(places: Sequence[Place], dtype: np.dtype[Any], parts: int, number: int) -> NDArray[Any]:
    """All records of one part from the files of several writers, in their order."""
    return np.concatenate([np.empty(0, dtype), *each_cut(places, dtype, parts, number)])


def each_cut(
    places: Sequence[Place], dtype: np.dtype[Any], parts: int, number: int
) -> Iterator[NDArray[Any]]:
    """The records of one part, one writer's block at a time; none that is empty."""
    yield from _load(_cuts(places, parts, number), dtype)


def cut_size(places: Sequence[Place], parts: int, number: int) -> int:
    """Records that one part has in the files of several writers."""
    return sum(stop - start for _, start, stop in _cuts(places, parts, number))


def _cuts(places: Sequence[Place], parts: int, number: int) -> list[tuple[Place, int, int]]:
    """Where the part lies in each file and block."""
    found: list[tuple[Place, int, int]] = []
    for first in range(0, len(places), BOUNDS_AT_ONCE):
        here = places[first : first + BOUNDS_AT_ONCE]
        contents = read_many([_bounds_of(place) for place in here])
        for place, content in zip(here, contents, strict=True):
            if not content or len(content) % (8 * (parts + 1)):
                problem = "it is gone" if content is None else f"it does not tell the bounds of {parts} parts"
                raise DamagedFile(str(_bounds_of(place)), problem)
            bounds = np.frombuffer(content, np.int64).reshape(-1, parts + 1)[:, number : number + 2]
            found += [(place, start, stop) for start, stop in bounds.tolist() if stop > start]
    return found


def _bounds_of(place: Place) -> Place:
    return place.with_suffix(".bounds")


def _bytes(array: NDArray[Any]) -> Any:
    """The array's values as a buffer; a view, since records may be many."""
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1) if array.nbytes else b""
