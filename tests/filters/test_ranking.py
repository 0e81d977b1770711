"""Rankings by a column, whatever its type."""

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.filters.ranking import TEXT_BYTES, as_common, common_type, rank_keys, ranking


@pytest.mark.parametrize("text", ["", "a b c", "a up", "source DESC", "a DESC ASC"])
def test_what_is_no_ranking(text):
    """A column with a direction or none; `source` has one already."""
    with pytest.raises(ValueError, match='expected "COLUMN"'):
        ranking(text)


def test_rankings():
    """Any case, any blanks."""
    assert ranking(" words   asc ") == ("words", "ASC")
    assert ranking("source") == ("source", "")


INT64 = st.integers(-(2**63) + 2, 2**63 - 2)
TIMES = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
KINDS = {
    pa.int64(): INT64,
    pa.uint64(): st.integers(1, 2**64 - 3),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.int8(): st.integers(-128, 127),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(max_size=6) | st.text("ab", max_size=40),
    pa.date32(): st.dates(dt.date(1700, 1, 1), dt.date(2200, 1, 1)),
    pa.timestamp("us"): TIMES,
    pa.timestamp("s", "Asia/Shanghai"): TIMES.map(lambda time: time.replace(microsecond=0, tzinfo=dt.UTC)),
}


def rank(value: object) -> object:
    """What the plain rule compares: bytes of texts, instants of times; None for what has no rank."""
    if value is None or value == "" or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.encode()[:TEXT_BYTES].ljust(TEXT_BYTES, b"\0") if isinstance(value, str) else value


@given(st.data(), st.sampled_from(list(KINDS)), st.booleans(), st.sampled_from(["first", "last"]))
def test_the_order_is_that_of_the_values(data, kind, descending, missing):
    """Sorting by the keys is sorting the values themselves, ties in order, what has no rank at its end."""
    values = data.draw(st.lists(st.none() | KINDS[kind], max_size=20))
    column = pa.chunked_array([pa.array(values[:3], kind), pa.array(values[3:], kind)])
    common = as_common(column, common_type("x", [("here", kind)]))
    keys = rank_keys(common, descending=descending, missing=missing)
    found = np.lexsort(keys.T[::-1]).tolist()
    ranked = [n for n, value in enumerate(values) if rank(value) is not None]
    unranked = [n for n, value in enumerate(values) if rank(value) is None]
    ranked.sort(key=lambda n: rank(values[n]), reverse=descending)
    assert found == (unranked + ranked if missing == "first" else ranked + unranked)
    for one, other in pairwise(found):
        same = rank(values[one]) == rank(values[other])
        assert (keys[one] == keys[other]).all() == same


def test_types_that_can_be_compared_are_ranked_together():
    """Whole numbers stay exact, dates and times of any zone become instants, and nothing is no obstacle."""
    whole = [("a", pa.int32()), ("b", pa.null()), ("c", pa.int64())]
    assert common_type("x", whole) == pa.int64()
    assert (
        common_type("x", [*whole, ("d", pa.float32())])
        == common_type("x", [*whole, ("d", pa.uint64())])
        == pa.float64()
    )
    assert common_type("x", [("a", pa.uint8()), ("b", pa.uint64())]) == pa.uint64()
    assert common_type("x", [("a", pa.null())]) == pa.null()
    times = [pa.date32(), pa.timestamp("ns"), pa.timestamp("s", "America/New_York")]
    instant = common_type("x", [("a", kind) for kind in times])
    moment = dt.datetime(2020, 1, 2, 5, tzinfo=dt.UTC)
    given = [[moment.date()], [moment.replace(tzinfo=None)], [moment]]
    day, plain, zoned = (
        as_common(pa.chunked_array([pa.array(values, kind)]), instant)[0].as_py()
        for values, kind in zip(given, times, strict=True)
    )
    assert day < plain == zoned == moment


def test_types_that_cannot_be_compared_are_told_with_their_places():
    """The column, both types and where each is; and a type that has no order at all."""
    with pytest.raises(
        InputError, match=r"^b.parquet: the column 'date' is string here but int64 in a.parquet"
    ):
        common_type("date", [("a.parquet", pa.int64()), ("b.parquet", pa.string())])
    with pytest.raises(InputError, match=r"^a.parquet: the column 'tags' is list.*needs a number, date"):
        common_type("tags", [("a.parquet", pa.list_(pa.string()))])
