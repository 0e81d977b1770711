"""Files of partitioned bytes, of which a partition can be read without the rest, in one piece.

Beside the bytes lies a file that says where each partition lies, with checksums (xxh3, 64 bits). Whatever is read is
verified: a damaged file is an error, never data. Writing goes through storage.commit, reading is a read of a range of
a local file or of an object, so the files may lie on storage that all nodes share.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.errors import DamagedFile, RunError
from refinery.storage.commit import OutputFile, commit_bytes, commit_file
from refinery.storage.place import Place, is_remote, read_file, read_many

AT_ONCE = 16  # reads of an object store that are under way together
AT_ONCE_BYTES = 1 << 26  # of these, but for one that is larger
PIECE_BYTES = 1 << 22  # parts that lie together in an object are read by one request up to that many
BOUNDS_AT_ONCE = 64  # files of bounds
DIGEST_BYTES = 8

Bytes = NDArray[np.uint8]


class Range(NamedTuple):
    """The bytes start:stop of a file, one partition's part of one block, and their checksum."""

    place: Place
    start: int
    stop: int
    digest: int


class BlockWriter:
    """Writes blocks of partitioned bytes as one file, `place`, and where the partitions lie, `place`.bounds.

    In the file each partition is in one piece: its part of every block, in order. Blocks wait in a file without a
    name, on this machine, until all are there; a partition alone, or a last block that is the only one, does not.
    The bounds are int64: where each part starts, partition by partition, and the last one stops, then the checksum
    of each; and a checksum of all that. Both files appear when the block of code ends without an error.
    """

    def __init__(self, place: Place, partitions: int) -> None:
        self._place, self._partitions = place, partitions
        self._ends: list[NDArray[np.int64]] = []  # of each block, in what waits or in the file
        self._digests: list[NDArray[np.int64]] = []
        self._waiting: OutputFile | None = None
        self._stack = ExitStack()

    def __enter__(self) -> BlockWriter:
        self._file = self._stack.enter_context(commit_file(self._place, scratch=True))
        return self

    def write(self, content: Any, ends: NDArray[np.int64], *, last: bool = False) -> None:
        """Takes a block, a buffer of bytes; partition i is content[ends[i]:ends[i + 1]]; last: none follows."""
        alone = self._partitions == 1 or (last and not self._ends)
        target = self._file if alone else self._wait()
        self._ends.append(target.size + ends)
        self._digests.append(_digests(content, ends))
        target.write(content)

    def _wait(self) -> OutputFile:
        if self._waiting is None:
            folder = self._place.parent if isinstance(self._place, Path) else Path(tempfile.gettempdir())
            self._aside = self._stack.enter_context(tempfile.TemporaryFile(buffering=0, dir=folder))  # noqa: SIM115
            self._waiting = OutputFile(cast(BinaryIO, self._aside), f"{folder}/shuffle", hashed=False)
        return self._waiting

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            sizes = np.diff(self._ends, axis=1).T  # (partitions, blocks)
            if self._waiting is not None:
                starts = np.array(self._ends)[:, :-1].T
                for start, size in zip(starts.flat, sizes.flat, strict=True):
                    self._file.write(os.pread(self._aside.fileno(), int(size), int(start)))
            ends = np.concatenate([[0], np.cumsum(sizes)])
            bounds = np.concatenate([ends, np.array(self._digests).T.reshape(-1)]).tobytes()
            digest = xxh3_64_intdigest(bounds).to_bytes(DIGEST_BYTES, "little")
            commit_bytes(_bounds_of(self._place), bounds + digest, scratch=True)


def _digests(content: Any, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The checksum of each partition; 0 of an empty one."""
    found = np.zeros(len(ends) - 1, np.uint64)
    for partition in np.flatnonzero(np.diff(ends)).tolist():
        found[partition] = xxh3_64_intdigest(content[ends[partition] : ends[partition + 1]])
    return found.view(np.int64)


def read_ranges(ranges: Sequence[Range]) -> Iterator[Bytes]:
    """The bytes of each range, writable; small ones that lie together in an object come by one request.

    Raises DamagedFile when they are not as they were written.
    """
    for pieces in _at_once(_pieces(ranges)):
        wanted = [Range(piece[0].place, piece[0].start, piece[-1].stop, 0) for piece in pieces]
        found = map(_from_disk, wanted) if isinstance(wanted[0].place, Path) else iter(_from_store(wanted))
        for piece, content in zip(pieces, found, strict=True):
            for part in piece:
                here = content[part.start - piece[0].start : part.stop - piece[0].start]
                _verify(part.place, here, part.digest)
                yield here if len(piece) == 1 else here.copy()


def _pieces(ranges: Sequence[Range]) -> Iterator[list[Range]]:
    """Ranges that follow one another in an object, up to PIECE_BYTES; on disk each alone."""
    piece: list[Range] = []
    for one in ranges:
        follows = piece and is_remote(one.place) and piece[-1][:3:2] == (one.place, one.start)
        if piece and not (follows and one.stop - piece[0].start <= PIECE_BYTES):
            yield piece
            piece = []
        piece.append(one)
    if piece:
        yield piece


def _at_once(pieces: Iterator[list[Range]]) -> Iterator[list[list[Range]]]:
    """Pieces that are under way together."""
    here: list[list[Range]] = []
    size = 0
    for piece in pieces:
        own = piece[-1].stop - piece[0].start
        if here and (len(here) == AT_ONCE or size + own > AT_ONCE_BYTES):
            yield here
            here, size = [], 0
        here.append(piece)
        size += own
    if here:
        yield here


def read_whole(place: Place, partitions: int) -> Bytes:
    """All of a file, partition by partition; raises DamagedFile."""
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
    """Where a partition's parts lie in each file, in the order of blocks, but for empty ones; raises DamagedFile."""
    return [
        Range(place, start, stop, digest)
        for place, ends, digests in _read_bounds(places, partitions)
        for (start, stop), digest in zip(
            pairwise(ends[partition].tolist()), digests[partition].tolist(), strict=True
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
    """Of each file where parts lie, (partitions, blocks + 1), and their checksums, (partitions, blocks)."""
    for first in range(0, len(places), BOUNDS_AT_ONCE):
        here = places[first : first + BOUNDS_AT_ONCE]
        for place, content in zip(here, read_many([_bounds_of(place) for place in here]), strict=True):
            bounds = _bounds_of(place)
            if content is None:
                raise DamagedFile(str(bounds), "it is gone")
            values = memoryview(content)[:-DIGEST_BYTES]
            _verify(bounds, values, int.from_bytes(content[-DIGEST_BYTES:], "little"))
            blocks, odd = divmod(len(values) // 8 - 1, 2 * partitions)
            if odd or blocks < 1:
                raise DamagedFile(str(bounds), f"it does not tell the bounds of {partitions} partitions")
            numbers = np.frombuffer(values, np.int64)
            ends, digests = numbers[: partitions * blocks + 1], numbers[partitions * blocks + 1 :]
            yield (
                place,
                sliding_window_view(ends, blocks + 1)[::blocks],
                digests.view(np.uint64).reshape(partitions, blocks),
            )


def _bounds_of(place: Place) -> Place:
    return place.with_suffix(".bounds")
