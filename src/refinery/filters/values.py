"""Values of columns as texts of one form, by which they are compared whatever types their columns have.

Numbers are decimal, a whole one without a point (so 7, 7.0 and "7" are one), dates are 2024-01-31, times instants in
UTC to the microsecond, texts have no white space at their ends. NULL, NaN and the empty text are no values.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.carried import from_json
from refinery.storage.marks import is_json_text

PLAIN = "a number, date, time, boolean or text"


def is_plain(kind: pa.DataType) -> bool:
    """Whether values of a type have such a text."""
    types = pa.types
    return bool(
        types.is_null(kind) or types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind)
        or types.is_decimal(kind) or types.is_string(kind) or types.is_large_string(kind)
        or types.is_date(kind) or types.is_timestamp(kind)
    )  # fmt: skip


def value_texts(values: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    """large_string: each value of a plain type, or of JSON text, in its one form; NULL where there is none."""
    kind = field.type
    if is_json_text(field):
        return _json_texts(values)
    if pa.types.is_floating(kind):
        return _number_texts(values.cast(pa.float64()))
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    texts = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
    if pa.types.is_decimal(kind) and kind.scale > 0:
        texts = pc.utf8_rtrim(pc.utf8_rtrim(texts, "0"), ".")
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _number_texts(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(pc.abs(numbers), 2.0**63))
    digits = pc.if_else(whole, numbers, 0.0).cast(pa.int64(), safe=False).cast(pa.large_string())
    others = numbers.cast(pa.large_string())
    return pc.if_else(pc.is_nan(numbers), None, pc.if_else(whole, digits, others))


def _json_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON of several types: strings as they are meant, numbers in their one form, the rest as it is written."""
    quoted = pc.fill_null(pc.starts_with(values, '"'), False)
    numbers = pc.fill_null(pc.match_substring_regex(values, r"^-?[0-9]+[.eE]"), False)
    nothing = pc.fill_null(pc.equal(values, "null"), False)
    strings = from_json(pc.if_else(quoted, values, None), pa.large_string())
    texts = value_texts(strings, pa.field("", pa.large_string()))
    fractions = _number_texts(pc.if_else(numbers, values, None).cast(pa.float64()))
    others = pc.if_else(pc.or_(quoted, nothing), None, values)
    return pc.if_else(quoted, texts, pc.if_else(numbers, fractions, others)).cast(pa.large_string())
