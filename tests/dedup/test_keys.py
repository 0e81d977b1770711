"""Keys of columns."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup.keys import column_keys

ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.text("a 1", max_size=3)), max_size=30)


def keys(rows: list[tuple[object, object]], **options: bool) -> list[bytes | None]:
    """Of two columns, the first of two chunks."""
    first = pa.chunked_array(
        [pa.array([row[0] for row in part], pa.int32()) for part in (rows[:5], rows[5:])]
    )
    second = pa.array([row[1] for row in rows], pa.string())
    return column_keys(pa.table({"a": first, "b": second}), **options).to_pylist()


@given(ROWS)
def test_rows_have_one_key_if_and_only_if_their_values_are_the_same(rows):
    """All columns count together; a row that lacks a value, or has a blank text, has no key."""
    values = [None if a is None or not (b or "").strip() else (a, b.strip()) for a, b in rows]
    found = keys(rows)
    assert [key is None for key in found] == [value is None for value in values]
    assert all(key is None or len(key) == 16 for key in found)
    for one, value in zip(found, values, strict=True):
        for other, another in zip(found, values, strict=True):
            assert value is None or another is None or (one == other) == (value == another)


@given(ROWS)
def test_nothing_can_be_a_value(rows):
    """Then every row has a key, and those that lack the same have one."""
    values = [(a, (b or "").strip()) for a, b in rows]
    found = keys(rows, nothing_is_a_value=True)
    assert len(set(found)) == len(set(values)) == len(set(zip(found, values, strict=True)))


def test_values_cannot_run_into_one_another():
    """Where one column ends and the next begins is part of the key."""
    table = pa.table({"a": ["1 2", "1", "1 1"], "b": ["3", "2 3", "1 3"]})
    assert len(set(column_keys(table).to_pylist())) == 3
