"""Packs: which small files of a source are read together as one shard, and the list of files that a pack has.

A source's files, in order of their paths, are halved where the bits of their paths first differ, again and again,
until no part has more than PACK_FILES or PACK_BYTES: a part is a pack. So a file that is added, changed or removed
changes the pack it lies in, which may be cut in two or take in what is left of its other half, and no other. Files of
different formats are apart.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

import pyarrow as pa
import xxhash

from refinery.sources.documents import Shard
from refinery.sources.lineage import encoded
from refinery.storage.commit import make_directory
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

FEW = 16  # files of a source that are shards of their own: work for several workers, and few shards cost nothing
PACK_FILES = 1024
PACK_BYTES = 8 * 2**20

_FILES = pa.schema(
    [
        ("path", pa.string()),  # below the source's root
        ("bytes", pa.int64()),
        ("rows", pa.int64()),
        ("identity", pa.string()),
        ("covered", pa.bool_()),
    ]
)
_NUMBER = re.compile(r"(\d+)")

T = TypeVar("T")


def pack(
    files: Sequence[T], path: Callable[[T], str], group: Callable[[T], str], size: Callable[[T], int]
) -> list[list[T]]:
    """The runs of files that are one shard each; path: of a file below the source's root; group: of its format."""
    if len(files) <= FEW:
        return [[file] for file in files]
    keys = [sort_key(path(file)) for file in files]
    groups: dict[str, list[int]] = {}
    for number in sorted(range(len(files)), key=keys.__getitem__):
        groups.setdefault(group(files[number]), []).append(number)
    return [
        [files[number] for number in here[start:stop]]
        for _, here in sorted(groups.items())
        for start, stop in _parts([keys[number] for number in here], [size(files[number]) for number in here])
    ]


def sort_key(path: str) -> bytes:
    """Bytes that are in order where paths are in natural order (`find.natural`), so that their bits can be halved.

    >>> sorted(["p10", "p2", "p02"], key=sort_key)
    ['p02', 'p2', 'p10']
    """
    key = bytearray()
    for number, piece in enumerate(_NUMBER.split(path)):
        if number % 2:
            digits = int(piece)
            size = max((digits.bit_length() + 7) // 8, 1)
            key += size.to_bytes(2, "big") + digits.to_bytes(size, "big")
        else:
            key += os.fsencode(piece) + b"\0"
    return bytes(key) + b"\0\0" + os.fsencode(path)


def _parts(keys: Sequence[bytes], sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The packs as start:stop of files in order; keys: ascending, all different."""
    before = [0, *accumulate(sizes)]
    waiting = [(0, len(keys))] if keys else []
    while waiting:
        start, stop = waiting.pop()
        if stop - start == 1 or (stop - start <= PACK_FILES and before[stop] - before[start] <= PACK_BYTES):
            yield start, stop
            continue
        middle = bisect_left(keys, _half(keys[start], keys[stop - 1]), start, stop)
        waiting += [(middle, stop), (start, middle)]


def _half(first: bytes, last: bytes) -> bytes:
    """The least key that has set the first bit in which the two keys differ; `first` < `last`."""
    same = next(
        (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    if same == len(first):
        return first + b"\0"
    bit = (first[same] ^ last[same]).bit_length() - 1
    return last[:same] + bytes([last[same] >> bit << bit])


def pack_identity(members: Sequence[Shard]) -> str:
    """32 hex digits (xxh3-128) of the paths of a pack's files and what each is known by."""
    digest = xxhash.xxh3_128()
    for member in members:
        digest.update(encoded(f"{member.relative_path}\n{member.identity}\n"))
    return digest.hexdigest()


def pack_root(members: Sequence[Shard]) -> str | None:
    """What stands before the relative path of each, None if that is not the same."""
    roots = {member.path.removesuffix(member.relative_path) for member in members}
    root = roots.pop()
    return root if not roots and members[0].path == root + members[0].relative_path else None


def write_members(shard: Shard, members: Sequence[Shard]) -> None:
    """Writes the list of a pack's files to where its units read it; raises OutputError."""
    if shard.pack is None:
        return
    columns = {
        "path": [member.relative_path for member in members],
        "bytes": [member.bytes for member in members],
        "rows": [member.rows for member in members],
        "identity": [member.identity for member in members],
        "covered": [member.covered for member in members],
    }
    arrays = [pa.array(columns[field.name], field.type) for field in _FILES]
    make_directory(shard.pack.files.parent)
    with TableWriter(shard.pack.files, _FILES, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays(arrays, schema=_FILES))


def read_members(shard: Shard) -> list[Shard]:
    """A pack's files, each a shard, in order; raises DamagedFile, and ValueError for what is no planned pack."""
    if shard.pack is None:
        raise ValueError(f"{shard.name} is no pack of a plan")
    table = read_table(shard.pack.files, _FILES.names)
    return [
        Shard(
            source=shard.source,
            path=shard.path + path,
            relative_path=path,
            format=shard.format,
            start=0,
            stop=-1,
            index=number,
            rows=rows,
            bytes=size,
            identity=identity,
            made=shard.made,
            covered=covered,
        )
        for number, (path, size, rows, identity, covered) in enumerate(
            zip(*(table.column(name).to_pylist() for name in _FILES.names), strict=True)
        )
    ]
