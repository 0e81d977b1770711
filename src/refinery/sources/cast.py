"""Values in one of six plain types, whatever they were read as; what does not fit is NULL and pointed out.

A value goes by its text: 2015, "2015" and 2015.0 are one whole number, true and "true" one boolean. Dates and times
are ISO 8601 or written with slashes, points or 年月日; a year or a month alone is its first day; a time with a zone
becomes UTC, one without is taken as UTC. The empty text is NULL. Anything has a string: numbers and booleans as they
are written, lists and objects as JSON.
"""

from __future__ import annotations

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.sources.ids import id_texts
from refinery.sources.types import TYPES, TypeName, is_text

_INSTANT = pa.timestamp("us", "UTC")
_WHOLE, _NUMBER = r"^[+-]?\d+(\.0*)?$", r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_COMPACT = r"^(\d{4})(\d{2})(\d{2})$"
_MOMENT = (
    r"^(?P<year>[1-9]\d{3})(?:[-/.年](?P<month>\d{1,2})(?:[-/.月](?P<day>\d{1,2}))?)?[年月日]?"
    r"(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?P<fraction>[.,]\d{1,6})?\d* ?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)


def cast(values: pa.Array, name: TypeName, *, from_json: bool = False) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Values as a type, and which of them do not fit it and are NULL now.

    from_json: the values are JSON texts.

    >>> values, misfits = cast(pa.array(["2015", "MMXV", None]), "int")
    >>> values.to_pylist(), misfits.tolist()
    ([2015, None, None], [False, True, False])
    """
    kind = TYPES[name]
    if values.type == kind and not from_json:
        return values, np.zeros(len(values), np.bool_)
    if not from_json and _is_wider(kind, values.type):
        return values.cast(kind, safe=False), np.zeros(len(values), np.bool_)
    texts = _json_texts(values) if from_json else id_texts(values).cast(pa.large_string())
    if name == "string":
        return texts.cast(kind), np.zeros(len(values), np.bool_)
    texts = pc.utf8_trim_whitespace(texts)
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    found = _parsed(texts, name)
    misfits = pc.and_(texts.is_valid(), found.is_null())
    return found, np.asarray(misfits.to_numpy(zero_copy_only=False), bool)


def _is_wider(kind: pa.DataType, given: pa.DataType) -> bool:
    """Whether every value of a type is one of another, as it is or cut off below the microsecond."""
    types = pa.types
    if types.is_int64(kind):
        return bool(types.is_integer(given) and not types.is_uint64(given))
    if types.is_float64(kind):
        return bool(types.is_integer(given) or types.is_floating(given) or types.is_decimal(given))
    if types.is_timestamp(kind):
        return bool(types.is_timestamp(given))
    return is_text(kind) and is_text(given)


def _json_texts(values: pa.Array) -> pa.Array:
    """JSON texts with strings as they are meant."""
    quoted = pc.fill_null(pc.starts_with(values, '"'), False)
    if pc.any(quoted).as_py():
        meant = pa.array(
            [orjson.loads(text) for text in values.filter(quoted).to_pylist()], pa.large_string()
        )
        values = pc.replace_with_mask(values, quoted, meant)
    return pc.if_else(pc.and_(pc.equal(values, "null"), pc.invert(quoted)), None, values)


def _parsed(texts: pa.Array, name: TypeName) -> pa.Array:
    if name == "bool":
        words = pc.utf8_lower(texts)
        known = pc.is_in(words, pa.array(["true", "false", "1", "0"], pa.large_string()))
        return pc.if_else(known, pc.is_in(words, pa.array(["true", "1"], pa.large_string())), None)
    if name == "float":
        return _read(_matching(texts, _NUMBER), pa.float64())
    if name == "int":
        whole = pc.replace_substring_regex(_matching(texts, _WHOLE), r"^\+|\.0*$", "")
        return _read(whole, pa.int64())
    return _moments(texts, name)


def _moments(texts: pa.Array, name: TypeName) -> pa.Array:
    found = pc.extract_regex(pc.replace_substring_regex(texts, _COMPACT, r"\1-\2-\3"), _MOMENT)
    year, month, day, time, fraction, zone = (pc.struct_field(found, n) for n in range(6))
    day, month = (pc.utf8_lpad(_or(part, "", "1"), 2, "0") for part in (day, month))
    dates = pc.binary_join_element_wise(year, month, day, _large("-"))
    if name == "date":
        return _read(dates, pa.date32())
    times = pc.binary_join_element_wise(
        dates, _large("T"), _or(time, "", "00:00:00"),
        pc.replace_substring(fraction, ",", "."), _or(zone, "", "Z"), _large(""),
    )  # fmt: skip
    return _read(times, _INSTANT).cast(pa.timestamp("us"))


def _or(values: pa.Array, nothing: str, instead: str) -> pa.Array:
    return pc.if_else(pc.equal(values, nothing), _large(instead), values)


def _large(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())


def _matching(texts: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(texts, pattern), texts, None)


def _read(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    """Texts as Arrow reads them, NULL for those that have the form and no value: 2023-02-30, 30 digits."""
    try:
        return texts.cast(kind)
    except pa.ArrowInvalid:
        encoded = texts.dictionary_encode()
        values = pa.concat_arrays([_one(text, kind) for text in encoded.dictionary])
        return values.take(encoded.indices)


def _one(text: pa.Scalar, kind: pa.DataType) -> pa.Array:
    try:
        return pa.array([text.as_py()], pa.large_string()).cast(kind)
    except pa.ArrowInvalid:
        return pa.nulls(1, kind)
