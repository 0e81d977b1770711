"""What a file is known by, wherever it lies and whatever its time stamp: a store's tag, or its size and content.

Without a tag, 16 blocks of 8 KiB from the beginning to the end are hashed, or the whole of a smaller file. A change
between the blocks that keeps the size is seen by the new time stamp: then the whole is hashed and compared with what
it was when it was first read (`inventory`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import xxhash

from refinery.errors import InputError
from refinery.sources.digest import PartDigest, part_hashes
from refinery.sources.documents import Shard
from refinery.sources.find import FileState, state
from refinery.storage.place import held, require_data, unreadable
from refinery.storage.url import is_url, local_path, redact

_AT_ONCE = 16  # files of a store that are asked for together
_BLOCK, _BLOCKS = 8 * 2**10, 16
COVERED = _BLOCKS * _BLOCK  # bytes of a file that is hashed whole
HEAD = 64 * 2**10  # bytes that tell what a file is


def identity_of(path: str, found: FileState) -> str:
    """32 hex digits (xxh3-128) of the size and the store's tag, or of the size and the blocks of the content.

    Raises OSError when the file cannot be read.
    """
    digest = xxhash.xxh3_128(f"{found.size}\n".encode())
    for content in [found.stamp.encode()] if found.tagged else _ranges(path, _blocks(found.size)):
        digest.update(content)
    return digest.hexdigest()


def covers(found: FileState) -> bool:
    """Whether `identity_of` covers all content of a file, or nothing would tell when to look at it again."""
    return found.tagged or found.size <= COVERED or not found.stamp


def file_head(path: str, size: int) -> bytes:
    """The first 64 KiB of a file; raises OSError when it cannot be read."""
    return b"".join(_ranges(path, [(0, min(size, HEAD))]))


def part_digest(shard: Shard) -> PartDigest | None:
    """Of the shard's part of its file, or None where its identity covers all content.

    Raises InputError when the file cannot be read.
    """
    if shard.covered:
        return None
    try:
        found = state(shard.path)
    except OSError as error:
        raise unreadable(shard.path, error) from None
    return PartDigest(shard.path, found.size, shard.part, shard.parts)


def verify_unchanged(shards: Sequence[Shard]) -> None:
    """Raises InputError when the file of one of the shards is not the one that was planned; URLs many at once.

    A tag or a time stamp alone would not do: a file can be written twice between two ticks of the clock. Of a file of
    a pack no stamp is known; a store is asked for its tag, though the file is held.
    """
    if len(shards) > 1 and is_url(shards[0].path):
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(_verify_unchanged, shards))
        return
    for shard in shards:
        _verify_unchanged(shard)


def _verify_unchanged(shard: Shard) -> None:
    try:
        content = None if shard.stamp or is_url(shard.path) else held(shard.path)
        found = state(shard.path) if content is None else FileState(len(content), "")
        stamped = not shard.stamp or found.stamp == shard.stamp
        same = stamped and shard.identity.startswith(identity_of(shard.path, found))
    except OSError as error:
        raise unreadable(shard.path, error) from None
    if not same:
        raise _changed(shard)


def verify_hash(shard: Shard, known: str) -> None:
    """Raises InputError when the content of a shard that is a whole file has another hash than when it was read."""
    try:
        (found,) = part_hashes(shard.path, shard.bytes, 1)
    except OSError as error:
        raise unreadable(shard.path, error) from None
    if found != known:
        raise _changed(shard)


def _changed(shard: Shard) -> InputError:
    return InputError(redact(shard.path), "the file has changed since it was planned", "run again")


def _blocks(size: int) -> list[tuple[int, int]]:
    """Where the hashed blocks begin and end; that follows from the size alone."""
    if size <= COVERED:
        return [(0, size)]
    starts = [(size - _BLOCK) * number // (_BLOCKS - 1) for number in range(_BLOCKS)]
    return [(start, start + _BLOCK) for start in starts]


def _ranges(path: str, ranges: list[tuple[int, int]]) -> list[bytes]:
    wanted = [(start, stop) for start, stop in ranges if start < stop]
    if (content := held(path)) is not None:
        return [content[start:stop] for start, stop in wanted]
    if is_url(path):
        from refinery.storage.object_store import read_ranges

        return read_ranges([(path, start, stop) for start, stop in wanted])
    require_data(os.stat(local_path(path)))  # noqa: PTH116  (a Path a file takes longer than the system's answer)
    with open(local_path(path), "rb", buffering=0) as file:  # noqa: PTH123  (a buffer would read more)
        return [os.pread(file.fileno(), stop - start, start) for start, stop in wanted]
