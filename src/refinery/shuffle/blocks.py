"""Files of blocks of bytes, each block partitioned, of which a partition can be read without the rest.

Beside the blocks lies a file that says where each partition lies in each block, with its checksum (xxh3, 64 bits).
Whatever is read is verified: a damaged file is an error, never data. Writing goes through storage.commit, reading is
a read of a range of a local file or of an object, so the files may lie on storage that all nodes share.
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
from refinery.storage.commit import commit_bytes, commit_file
from refinery.storage.place import Place, read_file, read_many

AT_ONCE = 16  # reads of an object store that are under way together
BOUNDS_AT_ONCE = 64  # files of bounds
DIGEST_BYTES = 8

Bytes = NDArray[np.uint8]


class Range(NamedTuple):
    """The bytes start:stop of a file, one partition in one block, and their checksum."""

    place: Place
    start: int
    stop: int
    digest: int


class BlockWriter:
    """Writes blocks of partitioned bytes to `place`, and where the partitions lie to `place`.bounds.

    The bounds are int64 (blocks, 2 * partitions + 1): where each partition starts and the last one stops, then the
    checksum of each; and a checksum of all that. Both files appear when the block of code ends without an error.
    """

    def __init__(self, place: Place, partitions: int) -> None:
        self._place, self._partitions = place, partitions
        self._bounds: list[NDArray[np.int64]] = []
        self._stack = ExitStack()

    def __enter__(self) -> BlockWriter:
        self._file = self._stack.enter_context(commit_file(self._place, scratch=True))
        return self

    def write(self, content: Any, ends: NDArray[np.int64]) -> None:
        """Writes a block, a buffer of bytes; partition i is content[ends[i]:ends[i + 1]]."""
        self._bounds.append(np.concatenate([self._file.size + ends, _digests(content, ends)]))
        self._file.write(content)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            bounds = np.array(self._bounds, np.int64).tobytes()
            digest = xxh3_64_intdigest(bounds).to_bytes(DIGEST_BYTES, "little")
            commit_bytes(_bounds_of(self._place), bounds + digest, scratch=True)


def _digests(content: Any, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The checksum of each partition; 0 of an empty one."""
    found = np.zeros(len(ends) - 1, np.uint64)
    for partition in np.flatnonzero(np.diff(ends)).tolist():
        found[partition] = xxh3_64_intdigest(content[ends[partition] : ends[partition + 1]])
    return found.view(np.int64)


def read_ranges(ranges: Sequence[Range]) -> Iterator[Bytes]:
    """The bytes of each range, writable; raises DamagedFile when they are not as they were written."""
    for first in range(0, len(ranges), AT_ONCE):
        here = ranges[first : first + AT_ONCE]
        found = map(_from_disk, here) if isinstance(here[0].place, Path) else iter(_from_store(here))
        for wanted, content in zip(here, found, strict=True):
            _verify(wanted.place, content, wanted.digest)
            yield content


def read_whole(place: Place, partitions: int) -> Bytes:
    """All blocks of a file, in the order in which they lie there; raises DamagedFile."""
    try:
        content = np.frombuffer(bytearray(read_file(place)), np.uint8)
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None
    for _, ends, digests in _read_bounds([place], partitions):
        if len(content) != (size := int(ends[-1, -1])):
            raise DamagedFile(str(place), f"it has {len(content)} bytes, not {size}")
        for start, stop, digest in zip(ends[:, :-1].flat, ends[:, 1:].flat, digests.flat, strict=True):
            if stop > start:
                _verify(place, content[start:stop], int(digest))
    return content


def find_ranges(places: Sequence[Place], partitions: int, partition: int) -> list[Range]:
    """Where a partition lies in each file and block, in order, but for empty ranges; raises DamagedFile."""
    return [
        Range(place, start, stop, digest)
        for place, ends, digests in _read_bounds(places, partitions)
        for (start, stop), digest in zip(
            ends[:, partition : partition + 2].tolist(), digests[:, partition].tolist(), strict=True
        )
        if stop > start
    ]


def _from_disk(wanted: Range) -> Bytes:
    size = wanted.stop - wanted.start
    try:
        found = np.fromfile(str(wanted.place), np.uint8, size, offset=wanted.start)
    except FileNotFoundError:
        raise DamagedFile(str(wanted.place), "it is gone") from None
    if len(found) != size:
        raise _cut_off(wanted, wanted.start + len(found))
    return found


def _from_store(ranges: Sequence[Range]) -> list[Bytes]:
    from refinery.storage.object_store import info
    from refinery.storage.object_store import read_ranges as read

    try:
        contents = read([(str(place), start, stop) for place, start, stop, _ in ranges])
    except (OSError, RunError):
        for wanted in ranges:  # an object that is gone or cut off, or only a store that does not answer?
            try:
                there = int(info(str(wanted.place))["size"])
            except FileNotFoundError:
                raise DamagedFile(str(wanted.place), "it is gone") from None
            if there < wanted.stop:
                raise _cut_off(wanted, there) from None
        raise
    return [np.frombuffer(bytearray(content), np.uint8) for content in contents]


def _cut_off(wanted: Range, there: int) -> DamagedFile:
    return DamagedFile(str(wanted.place), f"{there} of {wanted.stop} bytes are there")


def _verify(place: Place, content: Any, digest: int) -> None:
    if xxh3_64_intdigest(content) != digest:
        raise DamagedFile(str(place), "its checksum does not match")


def _read_bounds(
    places: Sequence[Place], partitions: int
) -> Iterator[tuple[Place, NDArray[np.int64], NDArray[np.uint64]]]:
    """Of each file where the partitions lie, (blocks, partitions + 1), and their checksums, (blocks, partitions)."""
    width = 2 * partitions + 1
    for first in range(0, len(places), BOUNDS_AT_ONCE):
        here = places[first : first + BOUNDS_AT_ONCE]
        for place, content in zip(here, read_many([_bounds_of(place) for place in here]), strict=True):
            bounds = _bounds_of(place)
            if content is None:
                raise DamagedFile(str(bounds), "it is gone")
            values = memoryview(content)[:-DIGEST_BYTES]
            _verify(bounds, values, int.from_bytes(content[-DIGEST_BYTES:], "little"))
            if len(values) == 0 or len(values) % (8 * width):
                raise DamagedFile(str(bounds), f"it does not tell the bounds of {partitions} partitions")
            blocks = np.frombuffer(values, np.int64).reshape(-1, width)
            yield place, blocks[:, : partitions + 1], blocks[:, partitions + 1 :].view(np.uint64)


def _bounds_of(place: Place) -> Place:
    return place.with_suffix(".bounds")
