"""Ids of any type: as text for the decisions, and the one type that an output's ids have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
import pyarrow as pa

from refinery.storage.types import is_text, merge


def id_texts(ids: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Ids as strings: bytes that are not UTF-8 as hex digits, nested values as JSON."""
    kind = ids.type
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
