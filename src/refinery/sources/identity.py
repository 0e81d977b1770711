"""What a file is known by, wherever it lies and whatever its time stamp: a store's tag, or its size and content.

Without a tag, both ends and blocks spread between them are hashed, the whole of a small file. If a large file of the
same size has changed between the blocks, its new time stamp tells that it is to be hashed again: the whole, to be
compared with what it was when it was first read (`inventory`).
"""

from __future__ import annotations

import xxhash

from refinery.errors import InputError
from refinery.sources.documents import Shard
from refinery.sources.find import FileState, state
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import is_url, redact

_END = 64 * 2**10  # bytes at either end
_BLOCK, _BLOCKS = 8 * 2**10, 14  # bytes, and how many of them lie between the ends
COVERED = 2 * _END + _BLOCKS * _BLOCK  # bytes of a file that is hashed whole
_STEP = 2**20


def identity_of(path: str, found: FileState) -> str:
    """32 hex digits (xxh3-128) of the size and the store's tag, or of the size and the blocks of the content.

    Raises OSError when the file cannot be read.
    """
    digest = xxhash.xxh3_128(f"{found.size}\n".encode())
    for content in [found.stamp.encode()] if found.tagged else _ranges(path, _blocks(found.size)):
        digest.update(content)
    return digest.hexdigest()


def file_head(path: str, size: int) -> bytes:
    """The first 64 KiB of a file; raises OSError when it cannot be read."""
    return b"".join(_ranges(path, [(0, min(size, _END))]))


def part_hash(path: str, size: int, part: int = 0, parts: int = 1) -> str:
    """32 hex digits (xxh3-128) of the bytes of one of `parts` equal parts of a file; raises OSError."""
    start, stop = size * part // parts, size * (part + 1) // parts
    digest = xxhash.xxh3_128()
    with open_input(path) as file:
        file.seek(start)
        while block := file.read(min(_STEP, stop - start)):
            digest.update(block)
            start += len(block)
    return digest.hexdigest()


def hash_of_part(shard: Shard) -> str:
    """`part_hash` of the shard's part of its file, or nothing where its identity covers the whole content.

    Raises InputError when the file cannot be read.
    """
    try:
        found = state(shard.path)
        if found.tagged or found.size <= COVERED:
            return ""
        return part_hash(shard.path, found.size, shard.part, shard.parts)
    except OSError as error:
        raise unreadable(shard.path, error) from None


def verify_unchanged(shard: Shard) -> None:
    """Raises InputError when the shard's file is not the one that was planned.

    A tag or a time stamp alone would not do: a file can be written twice between two ticks of the clock.
    """
    try:
        found = state(shard.path)
        same = found.stamp == shard.stamp and shard.identity.startswith(identity_of(shard.path, found))
    except OSError as error:
        raise unreadable(shard.path, error) from None
    if not same:
        raise InputError(redact(shard.path), "the file has changed since it was planned", "run again")


def _blocks(size: int) -> list[tuple[int, int]]:
    """Where the hashed blocks begin and end; that follows from the size alone."""
    if size <= COVERED:
        return [(0, size)]
    room = size - 2 * _END - _BLOCK
    starts = [_END + room * number // (_BLOCKS - 1) for number in range(_BLOCKS)]
    return [(0, _END), *((start, start + _BLOCK) for start in starts), (size - _END, size)]


def _ranges(path: str, ranges: list[tuple[int, int]]) -> list[bytes]:
    wanted = [(start, stop) for start, stop in ranges if start < stop]
    if is_url(path):
        from refinery.storage.object_store import read_ranges

        return read_ranges([(path, start, stop) for start, stop in wanted])
    contents = []
    with open_input(path) as file:
        for start, stop in wanted:
            file.seek(start)
            contents.append(file.read(stop - start))
    return contents
