"""Looking up keys in a table that is joined to a source."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.sources.column_settings import Join, NamedColumn
from refinery.sources.joined_table import (
    HASH,
    KEY,
    TABLE,
    JoinedTable,
    combined_keys,
    key_hashes,
    key_texts,
    look_up,
    write_joined_table,
)


@given(
    keys=st.lists(st.text(min_size=1), unique=True, max_size=30),
    asked=st.lists(st.text() | st.none(), max_size=30),
)
def test_the_row_of_a_key_is_found_as_a_dictionary_finds_it(keys, asked):
    """NULL and the empty text have none."""
    hashes = key_hashes(pa.array(keys, pa.large_string()))
    order = np.argsort(hashes)
    ordered = pa.array(keys, pa.large_string()).take(pa.array(order))
    table = JoinedTable(hashes[order], ordered, pa.record_batch({"value": pa.array(order)}))
    wanted = [*asked, *keys[::2]]
    place = {key: n for n, key in enumerate(ordered.to_pylist())}
    rows = table.rows_of(key_texts(pa.array(wanted, pa.string())))
    assert rows.to_pylist() == [place.get(key) for key in wanted]


@given(st.lists(st.tuples(*[st.text("a\x1d\x1e\x1f", min_size=1) | st.none()] * 3), max_size=20))
def test_keys_of_several_columns_are_one_where_all_are(rows):
    """Whatever stands in them; NULL in one is no key."""
    columns = [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)] or [
        pa.array([], pa.large_string())
    ] * 3
    found = combined_keys(columns).to_pylist()
    assert [key is None for key in found] == [None in row for row in rows]
    whole = {(row, key) for row, key in zip(rows, found, strict=True) if key is not None}
    assert len({row for row, _ in whole}) == len({key for _, key in whole}) == len(whole)


def test_keys_of_one_hash_are_told_apart():
    """The key itself is compared; one that is not there is not found."""
    keys = pa.array(["a", "b", "c"], pa.large_string())
    for key, row in [("a", 0), ("c", 2), ("d", None)]:
        asked = pa.array([key], pa.large_string())
        table = JoinedTable(key_hashes(asked).repeat(3), keys, pa.record_batch({"x": keys}))
        assert table.rows_of(asked).to_pylist() == [row]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([12, None]), ["12", None]),
        (pa.array([12.0, 0.5, None, float("nan")]), ["12", "0.5", None, None]),
        (pa.array([1e20, 2e20]), ["1e+20", "2e+20"]),
        (pa.array(["12", "", " 12"]), ["12", None, " 12"]),
    ],
)
def test_keys_go_by_their_text(values, expected):
    """Whole numbers are the same with and without a point, as pandas writes those of a column with gaps."""
    assert key_texts(values).to_pylist() == expected


def test_a_table_that_is_damaged_or_gone_is_told(tmp_path):
    """As a damaged file of the work folder, which a run makes again."""
    join = Join(("t",), ("id",), ("id",), (NamedColumn("x", "x", "int"),), table=tmp_path)
    with pytest.raises(DamagedFile, match=TABLE):
        look_up(join, pa.array(["a"], pa.large_string()))
    keys = pa.array(["a"], pa.large_string())
    write_joined_table(tmp_path / TABLE, pa.table({HASH: key_hashes(keys), KEY: keys, "x": [1]}))
    values, found = look_up(join, pa.array(["b", "a"], pa.large_string()))
    assert (values["x"].to_pylist(), found.tolist()) == ([None, 1], [False, True])
