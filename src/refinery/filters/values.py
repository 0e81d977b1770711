"""Values of columns as texts of one form, by which they are compared whatever types their columns have.

Numbers are decimal without exponents, a whole one without a point (so 7, 7.0 and "7" are one), floats the shortest
decimal that is read as the same float; but from 1e76 on, where decimals end, a float has an exponent. Dates are
2024-01-31, times instants in UTC to the microsecond, texts have no white space at their ends. NULL, NaN and the empty
text are no values.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.carried import from_json
from refinery.sources.nested import find_values
from refinery.storage.marks import is_json_text, json_text

PLAIN = "a number, date, time, boolean or text"
DIGITS = 76  # of the widest decimal


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
        return _float_texts(values.cast(pa.float64()))
    if pa.types.is_decimal(kind):
        return _decimal_texts(values)
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", "UTC"), safe=False)
    texts = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
    return pc.if_else(pc.equal(texts, ""), None, texts)


def column_texts(columns: pa.RecordBatch, name: str, size: int) -> pa.Array:
    """large_string: the values of a column, dotted for a nested one, among columns of `size` rows, as texts.

    NULL where there is none, and for what has no such text: lists and objects.
    """
    values, is_json = find_values(columns, name, size)
    field = json_text(name, "") if is_json else pa.field(name, values.type)
    if not is_plain(values.type):
        return pa.nulls(size, pa.large_string())
    return value_texts(pa.chunked_array([values]), field).cast(pa.large_string()).combine_chunks()


def _float_texts(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Each of float64 as its text, NULL for NaN."""
    size, shortest = pc.abs(numbers), numbers.cast(pa.large_string())
    is_whole = pc.and_(pc.equal(pc.floor(numbers), numbers), pc.less(size, 10.0**DIGITS))
    whole = pc.if_else(is_whole, numbers, 0.0).cast(pa.decimal256(DIGITS, 0)).cast(pa.large_string())
    is_mixed = pc.and_(
        pc.greater(size, 1.0), pc.less(size, 2.0**53)
    )  # at most 16 digits before and after the point
    mixed = _decimal_texts(pc.if_else(is_mixed, shortest, None).cast(pa.decimal128(38, 18)))
    others = pc.coalesce(_without_exponent(shortest), shortest)
    texts = pc.if_else(is_whole, whole, pc.if_else(is_mixed, mixed, others))
    return pc.if_else(pc.is_nan(numbers), None, texts)


def _without_exponent(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """1.5e-7 as 0.00000015; NULL for what has no negative exponent."""
    found = pc.extract_regex(texts, r"^(?P<sign>-?)(?P<first>\d)\.?(?P<rest>\d*)e-(?P<exponent>\d+)$")
    sign, first, rest, exponent = (pc.struct_field(found, n) for n in range(4))
    zeros = pc.subtract(pc.fill_null(exponent, "1").cast(pa.int64()), 1)
    nothing, point, zero = (pa.scalar(text, pa.large_string()) for text in ("", "0.", "0"))
    return pc.binary_join_element_wise(sign, point, pc.binary_repeat(zero, zeros), first, rest, nothing)


def _decimal_texts(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    """Each decimal as its text: Arrow's own has an exponent where there are many zeros."""
    scale = max(numbers.type.scale, 0)
    wide = numbers.cast(pa.decimal256(DIGITS, scale))
    whole = pa.decimal256(DIGITS, 0)
    digits = pa.chunked_array([chunk.view(whole) for chunk in wide.chunks], whole).cast(pa.large_string())
    if scale == 0:
        return digits
    sign = pc.if_else(pc.starts_with(digits, "-"), "-", "").cast(pa.large_string())
    digits = pc.utf8_lpad(pc.utf8_ltrim(digits, "-"), scale + 1, "0")
    before, after = pc.utf8_slice_codeunits(digits, 0, -scale), pc.utf8_slice_codeunits(digits, -scale)
    nothing, point = pa.scalar("", pa.large_string()), pa.scalar(".", pa.large_string())
    texts = pc.binary_join_element_wise(sign, before, point, after, nothing)
    return pc.utf8_rtrim(pc.utf8_rtrim(texts, "0"), ".")


def _json_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """JSON of several types: strings as they are meant, numbers in their one form, the rest as it is written."""
    quoted = pc.fill_null(pc.starts_with(values, '"'), False)
    numbers = pc.fill_null(pc.match_substring_regex(values, r"^-?[0-9]+[.eE]"), False)
    nothing = pc.fill_null(pc.equal(values, "null"), False)
    strings = from_json(pc.if_else(quoted, values, None), pa.large_string())
    texts = value_texts(strings, pa.field("", pa.large_string()))
    fractions = _float_texts(pc.if_else(numbers, values, None).cast(pa.float64()))
    others = pc.if_else(pc.or_(quoted, nothing), None, values)
    return pc.if_else(quoted, texts, pc.if_else(numbers, fractions, others)).cast(pa.large_string())
