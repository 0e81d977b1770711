"""Files between the units of a dedup: records cut into parts, of which a later unit reads one part from each file.

A unit writes one file of each kind it makes, its records sorted by part, and beside it where the parts lie; a unit
of the next step reads its part of every file: one range of bytes each. Writing goes through storage.commit, reading
is a read of a range of a local file or of an object, so the files may lie on storage that all nodes share. Whatever
is read has its checksum (xxh3, 64 bits) verified: a damaged file is made again, never taken as data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.errors import DamagedFile, RunError
from refinery.storage.commit import committed
from refinery.storage.place import Place, read_file, read_many

READ_BYTES = 1 << 20  # what one read of one part has at least, for an object store's and a disk's sake
LEAST_BYTES, MOST_BYTES = 4 << 20, 1 << 30  # of a range that is chosen
MOST_PARTS = 1 << 20
AT_ONCE = 16  # reads of an object store that are under way together
BOUNDS_AT_ONCE = 64
DIGEST_BYTES = 8  # of a checksum

PAIR = np.dtype([("document", np.int64), ("twin", np.int64)])
K1 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio
K2 = np.uint64(0xC4CEB9FE1A85EC53)  # MurmurHash3's finaliser


class Cut(NamedTuple):
    """Records of one part in one block of a file, and their checksum."""

    place: Place
    start: int
    stop: int
    digest: int


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
    h = numbers.astype(np.uint64) * K1
    h ^= h >> np.uint64(32)
    h *= K2
    h ^= h >> np.uint64(29)
    return h * K1


def save(place: Place, array: NDArray[Any]) -> None:
    """Writes an array's values whole, and their checksum."""
    content = _bytes(array)
    with committed(place, scratch=True) as file:
        file.write(content)
        file.write(xxh3_64_intdigest(content).to_bytes(DIGEST_BYTES, "little"))


def load(place: Place, dtype: np.dtype[Any]) -> NDArray[Any]:
    """All values of a file that `save` wrote; writable. Raises DamagedFile."""
    return np.frombuffer(_without_digest(place, _content(place)), dtype)


def _content(place: Place) -> bytearray:
    try:
        return bytearray(read_file(place))
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None


def _without_digest(place: Place, content: bytearray | bytes) -> memoryview:
    values, digest = memoryview(content)[:-DIGEST_BYTES], bytes(content[-DIGEST_BYTES:])
    _check(place, values, int.from_bytes(digest, "little"))
    return values


def _check(place: Place, content: Any, digest: int) -> None:
    if xxh3_64_intdigest(content) != digest:
        raise DamagedFile(str(place), "its checksum does not match")


def _load(cuts: Sequence[Cut], dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    """The records of each cut, writable; raises DamagedFile when they are not as they were written."""
    size = dtype.itemsize
    for first in range(0, len(cuts), AT_ONCE):
        here = cuts[first : first + AT_ONCE]
        if isinstance(here[0].place, Path):
            found = (_from_disk(cut, dtype) for cut in here)
        else:
            found = (np.frombuffer(bytearray(content), dtype) for content in _from_store(here, size))
        for cut, records in zip(here, found, strict=True):
            _check(cut.place, _bytes(records), cut.digest)
            yield records


def _from_disk(cut: Cut, dtype: np.dtype[Any]) -> NDArray[Any]:
    wanted = cut.stop - cut.start
    try:
        found = np.fromfile(str(cut.place), dtype, wanted, offset=cut.start * dtype.itemsize)
    except FileNotFoundError:
        raise DamagedFile(str(cut.place), "it is gone") from None
    if len(found) != wanted:
        raise DamagedFile(str(cut.place), f"{len(found)} of {wanted} records are there")
    return found


def _from_store(cuts: Sequence[Cut], size: int) -> list[bytes]:
    from refinery.storage.object_store import info, read_ranges

    try:
        return read_ranges([(str(cut.place), cut.start * size, cut.stop * size) for cut in cuts])
    except (OSError, RunError):
        for cut in cuts:  # an object that is gone or cut off, or only a store that does not answer?
            try:
                there = int(info(str(cut.place))["size"])
            except FileNotFoundError:
                raise DamagedFile(str(cut.place), "it is gone") from None
            if there < cut.stop * size:
                raise DamagedFile(str(cut.place), f"{there} of {cut.stop * size} bytes are there") from None
        raise


class CutWriter:
    """Writes records cut into parts that can be read alone.

    Files: `place`, the records in blocks of about `buffer_bytes`, each sorted by part and else in the order given;
    `place`.bounds, int64 (blocks, 2 * parts + 1), where each part lies in each block, and its checksum. Memory: about
    three times `buffer_bytes`. `written` counts the records.
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
        ends = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=self._parts))])
        if self._parts > 1:
            records = records[np.argsort(numbers, kind="stable")]
        del numbers
        content = _bytes(records)
        self._bounds.append(
            np.concatenate([self.written + ends, _digests(content, ends * self._dtype.itemsize)])
        )
        self._file.write(content)
        self.written += len(records)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if self._pending or not self._bounds:
                self._flush()
            save(_bounds_of(self._place), np.array(self._bounds, np.int64))


def _digests(content: Any, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The checksum of each part of a block, of which the bytes end there; 0 of an empty one."""
    found = np.zeros(len(ends) - 1, np.uint64)
    for part in np.flatnonzero(np.diff(ends)).tolist():
        found[part] = xxh3_64_intdigest(content[ends[part] : ends[part + 1]])
    return found.view(np.int64)


def write_cut(place: Place, records: NDArray[Any], numbers: NDArray[np.int64], parts: int) -> None:
    """Writes records that are all there, cut into parts."""
    with CutWriter(place, records.dtype, parts, MOST_BYTES) as writer:
        writer.write(records, numbers)


def write_blobs(place: Place, blobs: Sequence[bytes]) -> None:
    """Writes a part each of bytes."""
    with committed(place, scratch=True) as file:
        for blob in blobs:
            file.write(blob)
    ends = np.cumsum([0, *map(len, blobs)])
    digests = np.array([xxh3_64_intdigest(blob) for blob in blobs], np.uint64).view(np.int64)
    save(_bounds_of(place), np.concatenate([ends, digests]))


def read_cut(places: Sequence[Place], dtype: np.dtype[Any], parts: int, number: int) -> NDArray[Any]:
    """All records of one part from the files of several writers, in their order."""
    return np.concatenate([np.empty(0, dtype), *each_cut(places, dtype, parts, number)])


def read_whole(place: Place, dtype: np.dtype[Any], parts: int) -> NDArray[Any]:
    """The records of all parts from the file of one writer, in the order in which they lie there."""
    content = _content(place)
    size, values = dtype.itemsize, memoryview(content)
    for _, ends, digests in _bounds([place], parts):
        for start, stop, digest in zip(ends[:, :-1].flat, ends[:, 1:].flat, digests.flat, strict=True):
            if stop > start:
                _check(place, values[start * size : stop * size], int(digest))
    return np.frombuffer(content, dtype)


def each_cut(
    places: Sequence[Place], dtype: np.dtype[Any], parts: int, number: int
) -> Iterator[NDArray[Any]]:
    """The records of one part, one writer's block at a time; none that is empty."""
    yield from _load(_cuts(places, parts, number), dtype)


def cut_size(places: Sequence[Place], parts: int, number: int) -> int:
    """Records that one part has in the files of several writers."""
    return sum(cut.stop - cut.start for cut in _cuts(places, parts, number))


def _cuts(places: Sequence[Place], parts: int, number: int) -> list[Cut]:
    """Where the part lies in each file and block."""
    return [
        Cut(place, start, stop, digest)
        for place, ends, digests in _bounds(places, parts)
        for (start, stop), digest in zip(
            ends[:, number : number + 2].tolist(), digests[:, number].tolist(), strict=True
        )
        if stop > start
    ]


def _bounds(
    places: Sequence[Place], parts: int
) -> Iterator[tuple[Place, NDArray[np.int64], NDArray[np.uint64]]]:
    """Of each file where the parts lie in each block, (blocks, parts + 1), and their checksums, (blocks, parts)."""
    width = 2 * parts + 1
    for first in range(0, len(places), BOUNDS_AT_ONCE):
        here = places[first : first + BOUNDS_AT_ONCE]
        for place, content in zip(here, read_many([_bounds_of(place) for place in here]), strict=True):
            if content is None:
                raise DamagedFile(str(_bounds_of(place)), "it is gone")
            values = np.frombuffer(_without_digest(_bounds_of(place), content), np.int64)
            if len(values) == 0 or len(values) % width:
                raise DamagedFile(str(_bounds_of(place)), f"it does not tell the bounds of {parts} parts")
            blocks = values.reshape(-1, width)
            yield place, blocks[:, : parts + 1], blocks[:, parts + 1 :].view(np.uint64)


def _bounds_of(place: Place) -> Place:
    return place.with_suffix(".bounds")


def _bytes(array: NDArray[Any]) -> Any:
    """The array's values as a buffer; a view, since records may be many."""
    return np.ascontiguousarray(array).view(np.uint8).reshape(-1) if array.nbytes else b""
