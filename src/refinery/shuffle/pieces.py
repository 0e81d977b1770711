"""Reading what `blocks` writes: the pieces of a partition, by few requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.errors import DamagedFile, RunError
from refinery.shuffle.blocks import ENTRY, digest_of, entry_digest
from refinery.storage.place import Place, is_remote, read_file

AT_ONCE = 16  # reads of an object store that are under way together
AT_ONCE_BYTES = 1 << 26  # of these, but for one that is larger
HEADERS_AT_ONCE = 64
WHOLE_BYTES = 1 << 22  # a piece up to this is one request, and so are parts of a larger one in an object

Bytes = NDArray[np.uint8]


class Piece(NamedTuple):
    """A partition in one file: the bytes start:stop, parts and their index."""

    place: Place
    start: int
    stop: int
    parts: int

    @property
    def end(self) -> int:
        """Where the last part stops and the index starts."""
        return self.stop - 8 * (2 * self.parts + 1)


class Part(NamedTuple):
    """A partition's bytes of one block, in a file, and their checksum."""

    place: Place
    start: int
    stop: int
    digest: int


class _Read(NamedTuple):
    """Bytes of a file that come by one request: parts that lie together, or a piece with its index."""

    place: Place
    start: int
    stop: int
    parts: tuple[Part, ...] | None
    piece: Piece | None = None


def find_pieces(places: Sequence[Place], partitions: int, partition: int) -> list[Piece]:
    """A partition's pieces, but for empty ones, in the order of the files; raises DamagedFile."""
    start = ENTRY.itemsize * partition
    found: list[Piece] = []
    for first in range(0, len(places), HEADERS_AT_ONCE):
        here = places[first : first + HEADERS_AT_ONCE]
        reads = [_Read(place, start, start + ENTRY.itemsize, None) for place in here]
        for place, content in zip(here, _fetch(reads), strict=True):
            found += _entries(place, content, partitions)
    return found


def _entries(place: Place, content: Bytes, partitions: int) -> Iterator[Piece]:
    """What entries of a header tell of pieces that are not empty; raises DamagedFile."""
    for entry in content.view(ENTRY):
        if entry_digest(entry, partitions) != entry["digest"]:
            raise DamagedFile(str(place), f"it does not tell where {partitions} partitions lie")
        start, stop, parts, _ = entry.tolist()
        if parts:
            yield Piece(place, start, stop, parts)


def read_pieces(pieces: Sequence[Piece]) -> Iterator[Bytes]:
    """The bytes of each part, writable, in order; raises DamagedFile when they are not as they were written."""
    for reads in _at_once(_reads(pieces)):
        for read, content in zip(reads, _fetch(reads), strict=True):
            parts = read.parts
            if read.piece:
                parts = _parts(read.piece, content[read.piece.end - read.start :])
            for part in parts or ():
                here = content[part.start - read.start : part.stop - read.start]
                _verify(part.place, here, part.digest)
                yield here if read.parts and len(read.parts) == 1 else here.copy()


def _reads(pieces: Sequence[Piece]) -> Iterator[_Read]:
    """The requests for pieces: a small one comes with its index, of others the parts."""
    for piece in pieces:
        if piece.stop - piece.start <= WHOLE_BYTES:
            yield _Read(piece.place, piece.start, piece.stop, None, piece)
            continue
        (index,) = _fetch([_Read(piece.place, piece.end, piece.stop, None)])
        together: list[Part] = []
        for part in _parts(piece, index):
            grows = is_remote(piece.place) and together and part.stop - together[0].start <= WHOLE_BYTES
            if together and not grows:
                yield _Read(piece.place, together[0].start, together[-1].stop, tuple(together))
                together = []
            together.append(part)
        yield _Read(piece.place, together[0].start, together[-1].stop, tuple(together))


def _parts(piece: Piece, index: Bytes) -> tuple[Part, ...]:
    """The parts of a piece from the bytes of its index; raises DamagedFile."""
    if digest_of(index[:-8]) != index[-8:].tobytes():
        raise DamagedFile(str(piece.place), "its checksum does not match")
    numbers = np.frombuffer(index[:-8].tobytes(), np.int64)
    stops, digests = numbers[: piece.parts], numbers[piece.parts :].view(np.uint64)
    ends = pairwise([piece.start, *(piece.start + stops).tolist()])
    return tuple(Part(piece.place, *end, digest) for end, digest in zip(ends, digests.tolist(), strict=True))


def _at_once(reads: Iterator[_Read]) -> Iterator[list[_Read]]:
    """Requests that are under way together."""
    here: list[_Read] = []
    size = 0
    for read in reads:
        own = read.stop - read.start
        if here and (len(here) == AT_ONCE or size + own > AT_ONCE_BYTES):
            yield here
            here, size = [], 0
        here.append(read)
        size += own
    if here:
        yield here


def read_whole(place: Place, partitions: int) -> Bytes:
    """All parts of a file, partition by partition; raises DamagedFile."""
    try:
        content = np.frombuffer(bytearray(read_file(place)), np.uint8)
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None
    at, size = 0, ENTRY.itemsize * partitions
    if len(content) < size:
        raise DamagedFile(str(place), f"it has {len(content)} bytes, not the {size} of its header")
    for piece in list(_entries(place, content[:size].copy(), partitions)):
        size = piece.stop
        if len(content) < size:
            break
        for part in _parts(piece, content[piece.end : piece.stop].copy()):
            here = content[part.start : part.stop]
            _verify(place, here, part.digest)
            content[at : at + len(here)] = here
            at += len(here)
    if len(content) != size:
        raise DamagedFile(str(place), f"it has {len(content)} bytes, not {size}")
    return content[:at]


def _fetch(reads: Sequence[_Read]) -> Iterator[Bytes]:
    """The bytes of each, writable; raises DamagedFile when a file is gone or cut off."""
    if reads and is_remote(reads[0].place):
        return iter(_from_store(reads))
    return map(_from_disk, reads)


def _from_disk(wanted: _Read) -> Bytes:
    size = wanted.stop - wanted.start
    try:
        found = np.fromfile(str(wanted.place), np.uint8, size, offset=wanted.start)
    except FileNotFoundError:
        raise DamagedFile(str(wanted.place), "it is gone") from None
    if len(found) != size:
        raise _cut_off(wanted, Path(str(wanted.place)).stat().st_size)
    return found


def _from_store(reads: Sequence[_Read]) -> list[Bytes]:
    from refinery.storage.object_store import info, read_ranges

    try:
        contents = read_ranges([(str(read.place), read.start, read.stop) for read in reads])
    except (OSError, RunError):
        for wanted in reads:  # an object that is gone or cut off, or only a store that does not answer?
            try:
                there = int(info(str(wanted.place))["size"])
            except FileNotFoundError:
                raise DamagedFile(str(wanted.place), "it is gone") from None
            if there < wanted.stop:
                raise _cut_off(wanted, there) from None
        raise
    return [np.frombuffer(bytearray(content), np.uint8) for content in contents]


def _cut_off(wanted: _Read, there: int) -> DamagedFile:
    return DamagedFile(str(wanted.place), f"{there} of {wanted.stop} bytes are there")


def _verify(place: Place, content: Any, digest: int) -> None:
    if xxh3_64_intdigest(content) != digest:
        raise DamagedFile(str(place), "its checksum does not match")
