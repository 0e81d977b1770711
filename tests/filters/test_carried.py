"""Columns of the sources' files."""

import json
import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.filters.carried import VALUE, Carried, from_json
from refinery.storage.marks import is_json_text, json_text


def test_a_column_is_taken_by_its_name():
    """A name of its own before a path into another; NULL of all documents where there is neither."""
    batch = pa.RecordBatch.from_pydict({"a": [1, 2], "b.c": ["x", "y"], "b": [{"c": 7}, {"c": 8}]})
    assert Carried("a").of(batch, 2).column(0).to_pylist() == [1, 2]
    assert Carried("b.c").of(batch, 2).column(0).to_pylist() == ["x", "y"]
    assert Carried("b.c").of(batch.select(["b"]), 2).column(0).to_pylist() == [7, 8]
    nothing = pa.RecordBatch.from_arrays([], schema=pa.schema([]))
    for name in ("none", "a.b", "b.d"):
        assert Carried(name).of(nothing if name == "none" else batch, 2).column(0).to_pylist() == [None, None]


def test_of_json_each_line_has_it_in_its_own_way():
    """As a key of that name or inside of another; as JSON text, and an empty batch has the same type."""
    texts = [None, '{"c":{"d":1}}', '"text"', '{"c":[1]}']
    schema = pa.schema([json_text("b.c", ""), json_text("b", "")])
    batch = pa.RecordBatch.from_arrays(
        [pa.array(['"x"', None, None, None]), pa.array(texts)], names=["b.c", "b"]
    )
    batch = pa.RecordBatch.from_arrays([c.cast(pa.large_string()) for c in batch.columns], schema=schema)
    found = Carried("b.c").of(batch, 4)
    assert found.column(0).to_pylist() == ['"x"', '{"d":1}', None, "[1]"]
    assert is_json_text(found.schema.field(VALUE))
    assert Carried("b.c").of(batch.slice(0, 0), 0).schema == found.schema


VALUES = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False, allow_infinity=False),
    pa.bool_(): st.booleans(),
    pa.large_string(): st.text(),
}


@given(st.data(), st.sampled_from(list(VALUES)))
def test_json_text_is_read_back(data, kind):
    """Strings with whatever escapes, numbers to the last digit, NULL as NULL."""
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=12))
    texts = [None if value is None else json.dumps(value) for value in values]
    column = pa.chunked_array([pa.array(part, pa.large_string()) for part in (texts[:4], texts[4:])])
    assert from_json(column, kind).to_pylist() == values


def test_what_is_no_number_of_json_is_null():
    """NaN is written as `null`; a column that has nothing else has no type."""
    column = pa.chunked_array([pa.array(["null", "1.5", None], pa.large_string())])
    assert from_json(column, pa.float64()).to_pylist() == [None, 1.5, None]
    assert from_json(column, pa.null()).to_pylist() == [None, None, None]
    with pytest.raises(pa.ArrowInvalid):
        from_json(column, pa.int64())
    assert not math.isnan(from_json(column, pa.float64())[1].as_py())
