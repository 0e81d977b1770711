"""Ids: of any type in a source, minted where it has none, as text in decisions, of one type in an output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.shuffle.partition import hash_numbers
from refinery.sources.decoding import uuid_texts
from refinery.sources.documents import Shard
from refinery.sources.lineage import lineage_of
from refinery.sources.types import is_text, merge, storage


def minted_ids(shard: Shard, rows: NDArray[np.int64]) -> pa.Array:
    """`<16 hex digits>-<row>`: the hash of the file's path below the source's root, and the row in the file.

    The same wherever the source lies and however its files are cut into shards.
    """
    lineage = lineage_of(shard)
    numbers = pa.array(lineage.row_in_file(rows)).cast(pa.string())
    return pc.binary_join_element_wise(lineage.of_files(lineage.hexdigests, rows), numbers, "-")


def identities(shard: Shard, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """uint64 (rows,): a hash of the identity of rows of a shard: source, file below its root, row in the file.

    The same wherever the source lies and however its files are cut; the shard's first row must be known. Random
    choices are made by it, mixed with their seed.
    """
    lineage = lineage_of(shard)
    return hash_numbers(lineage.row_in_file(rows), lineage.seeds(shard.source)[lineage.file_of(rows)])


def with_minted(shard: Shard, rows: NDArray[np.int64], ids: pa.Array, minted: NDArray[np.bool_]) -> pa.Array:
    """The ids of rows of a shard, minted where `minted` is set; the shard's first row must be known."""
    if not minted.any():
        return ids
    return pc.if_else(pa.array(minted), minted_ids(shard, rows), ids)


def places_of(shard: Shard, rows: NDArray[np.int64]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Source, path below its root and row in that file of rows of a shard, whose first row must be known."""
    lineage = lineage_of(shard)
    source = pa.repeat(pa.scalar(shard.source, pa.string()), len(rows))
    return source, lineage.path_of(rows), pa.array(lineage.row_in_file(rows))


def listed_ids(shard: Shard, listing: pa.Table | pa.RecordBatch) -> pa.Array:
    """The ids, as text, of documents as `run.measure.LISTING` lists them."""
    ids = listing.column("id")
    ids = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    minted = listing.column("minted").to_numpy(zero_copy_only=False)
    return with_minted(shard, listing.column("row").to_numpy(), ids, minted)


def id_texts(ids: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Ids as strings: UUIDs with their dashes, bytes that are not UTF-8 as hex digits, nested values as JSON."""
    kind = ids.type
    if isinstance(kind, pa.UuidType):
        return uuid_texts(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids)
    if storage(kind) != kind:
        return id_texts(ids.cast(storage(kind)))
    if not (pa.types.is_nested(kind) or _is_bytes(kind)):
        return ids.cast(pa.string())
    return pa.array([None if value is None else _text(value) for value in ids.to_pylist()], pa.string())


def common_id_type(types: Iterable[pa.DataType]) -> pa.DataType:
    """The type that ids keep when all sources have it, the wider one of integers or of strings, else string."""
    known = sorted({kind for kind in types if not pa.types.is_null(kind)}, key=str)
    if not known:
        return pa.string()
    same = all(map(pa.types.is_integer, known)) or all(map(is_text, known))
    common = known[0]
    for kind in known[1:]:
        merged = merge(common, kind) if same else None
        if merged is None:
            return pa.string()
        common = merged
    return common


def with_type(ids: pa.Array, kind: pa.DataType) -> pa.Array:
    """Ids in the type that their output has."""
    return ids.cast(kind) if ids.type == kind or not is_text(kind) else id_texts(ids).cast(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
