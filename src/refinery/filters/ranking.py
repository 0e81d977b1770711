"""How documents are ranked by a column: `COLUMN`, `COLUMN ASC` or `COLUMN DESC`, whatever the column's type.

Numbers, booleans, dates and times rank by their value; a time with a zone as an instant, a time without one as if it
were UTC, a date as its first moment. Texts rank by their UTF-8 bytes, of which the first TEXT_BYTES count. NULL, NaN
and the empty text have no rank: they come last, or first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import AfterValidator

from refinery.errors import InputError
from refinery.filters.values import PLAIN

TEXT_BYTES = 32
_KEY_BYTES = 8
_SIGN = np.uint64(1) << np.uint64(63)
_LAST = np.iinfo(np.uint64).max
_INSTANT = pa.timestamp("us", "UTC")

Missing = Literal["first", "last"]


def ranking(text: str) -> tuple[str, str]:
    """Column and direction (`ASC`, `DESC` or empty) of a ranking; raises ValueError for anything else.

    >>> ranking("relevance  desc"), ranking("source")
    (('relevance', 'DESC'), ('source', ''))
    """
    words = text.split()
    direction = words[1].upper() if len(words) == 2 else ""
    if (
        not words
        or len(words) > 2
        or direction not in {"", "ASC", "DESC"}
        or (words[0] == "source" and direction)
    ):
        raise ValueError(f'expected "COLUMN", "COLUMN ASC" or "COLUMN DESC", got {text!r}')
    return words[0], direction


def _checked(text: str) -> str:
    ranking(text)
    return text


Ranking = Annotated[str, AfterValidator(_checked)]


def common_type(name: str, found: Sequence[tuple[str, pa.DataType]]) -> pa.DataType:
    """The type in which a column's values of several places, each with its type, are ranked together.

    Raises InputError for a type that has no order, and for types that cannot be compared.
    """
    first: tuple[str, pa.DataType] | None = None
    for place, kind in found:
        if pa.types.is_null(kind):
            continue
        if _ranked_as(kind) is None:
            problem = f"the column {name!r} is {kind}"
            raise InputError(place, problem, f"a ranking needs {PLAIN}")
        if first and _ranked_as(kind) != _ranked_as(first[1]):
            problem = f"the column {name!r} is {kind} here but {first[1]} in {first[0]}"
            raise InputError(
                place, problem, "a ranking needs values that can be compared; cast it in one of them"
            )
        first = first or (place, kind)
    kinds = [kind for _, kind in found if not pa.types.is_null(kind)]
    if not kinds:
        return pa.null()
    if _ranked_as(kinds[0]) == "number":
        return _common_number(kinds)
    return {"time": _INSTANT, "text": pa.large_string(), "boolean": pa.bool_()}[_ranked_as(kinds[0]) or ""]


def is_number(kind: pa.DataType) -> bool:
    """Whether a common type is one of numbers, or there is no value at all."""
    return pa.types.is_null(kind) or _ranked_as(kind) == "number"


def _ranked_as(kind: pa.DataType) -> str | None:
    types = pa.types
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_date(kind) or types.is_timestamp(kind):
        return "time"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    return "boolean" if types.is_boolean(kind) else None


def _common_number(kinds: Sequence[pa.DataType]) -> pa.DataType:
    if all(pa.types.is_unsigned_integer(kind) for kind in kinds):
        return pa.uint64()
    whole = all(pa.types.is_integer(kind) and not pa.types.is_uint64(kind) for kind in kinds)
    return pa.int64() if whole else pa.float64()


def as_common(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Values in a type that `common_type` gave for theirs and others; times finer than a microsecond are cut off."""
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("us"))
    return values.cast(kind, safe=False)


def rank_keys(values: pa.ChunkedArray, *, descending: bool, missing: Missing) -> NDArray[np.uint64]:
    """uint64 (values, keys): rows compare as the values do, the best (least, or greatest if `descending`) first.

    Equal values have equal keys (0.0 and -0.0 too). values: of a type that `common_type` gives. What has no rank has
    keys of its own, 0 if it is to come first, the greatest otherwise.

    >>> rank_keys(pa.chunked_array([[7, None, -1]]), descending=True, missing="last").argsort(axis=0).T.tolist()
    [[0, 2, 1]]
    """
    kind = values.type
    if pa.types.is_null(kind):
        keys, known = np.zeros((len(values), 1), np.uint64), np.zeros(len(values), np.bool_)
    elif pa.types.is_large_string(kind) or pa.types.is_string(kind):
        keys, known = _text_keys(values)
    else:
        keys, known = _number_keys(values)
    if descending:
        keys = ~keys
    np.clip(keys[:, 0], 1, _LAST - 1, out=keys[:, 0])
    keys[~known] = 0 if missing == "first" else _LAST
    return keys


def keys_of(kind: pa.DataType) -> int:
    """How many keys a value of a common type has."""
    return TEXT_BYTES // _KEY_BYTES if pa.types.is_large_string(kind) else 1


def _number_keys(values: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    kind = values.type
    known = values.is_valid().to_numpy()
    if pa.types.is_floating(kind):
        numbers = values.cast(pa.float64()).fill_null(np.nan).to_numpy()
        known = known & ~np.isnan(numbers)
        bits = (numbers + 0.0).view(np.uint64)
        keys = np.where(bits & _SIGN, ~bits, bits | _SIGN)
    elif pa.types.is_uint64(kind):
        keys = values.fill_null(0).to_numpy()
    else:
        whole = values.cast(pa.int64() if not pa.types.is_boolean(kind) else pa.uint8()).fill_null(0)
        keys = whole.to_numpy().astype(np.int64).view(np.uint64) ^ _SIGN
    return keys.astype(np.uint64).reshape(-1, 1), known


def _text_keys(values: pa.ChunkedArray) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """The first bytes of each text, big endian, filled up with zeros."""
    texts = pc.fill_null(values, "").combine_chunks().cast(pa.large_binary())
    sizes = pc.binary_length(texts).to_numpy(zero_copy_only=False)
    offsets = np.frombuffer(texts.buffers()[1], np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    keys = np.zeros((len(texts), TEXT_BYTES), np.uint8)
    for place in range(TEXT_BYTES):
        here = np.flatnonzero(sizes > place)
        keys[here, place] = data[offsets[here] + place]
    return keys.view(">u8").astype(np.uint64), sizes > 0
