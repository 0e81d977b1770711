"""Rows that tell the types of all columns at once."""

import io
import json

import polars as pl
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.storage.typed_first import typed_first
from refinery.storage.write import json_lines

VALUES = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-9, 9),
        "f": st.none() | st.floats(width=32),
        "s": st.none() | st.fixed_dictionaries({"x": st.none() | st.booleans(), "y": st.none() | st.text()}),
        "l": st.none() | st.lists(st.none() | st.floats(0, 1), max_size=2),
    }
)
SCHEMA = pa.schema(
    [
        ("at", pa.int64()),
        ("n", pa.int64()),
        ("f", pa.float64()),
        ("s", pa.struct([("x", pa.bool_()), ("y", pa.string())])),
        ("l", pa.list_(pa.float64())),
    ]
)


def leaves(row: object, path: str = "") -> set[str]:
    """Paths to the values that JSON shows of a row."""
    if isinstance(row, dict):
        return {leaf for name, value in row.items() for leaf in leaves(value, f"{path}.{name}")}
    if isinstance(row, list):
        return {leaf for value in row for leaf in leaves(value, f"{path}[]")} | {path}
    return set() if row is None else {path}


@given(st.lists(VALUES, min_size=1, max_size=30), st.integers(1, 7))
def test_the_first_lines_have_a_value_of_each_kind_that_the_table_has(values, chunk):
    """However deep it lies, in at most as many lines as there are columns and fields; the others stay in order."""
    rows = [{"at": n, **value} for n, value in enumerate(values)]
    batches = pa.Table.from_pylist(rows, SCHEMA).to_batches(max_chunksize=chunk)
    found = pa.Table.from_batches(typed_first(batches, SCHEMA), SCHEMA)
    assert sorted(found.column("at").to_pylist()) == list(range(len(rows)))
    lines = [json.loads(line) for line in json_lines(found.combine_chunks().to_batches()[0]).splitlines()]
    kinds = [leaves(line) for line in lines]
    assert set().union(*kinds[:9]) == set().union(*kinds)
    rest = [line["at"] for line in lines[9:]]
    assert rest == sorted(rest)


def test_a_reader_that_guesses_types_by_few_lines_reads_all():
    """A column that is NULL in the first thousand rows and an integer, a float or an object then."""
    rows = [
        {"at": n, "f": 0.5 if n == 1500 else None, "s": {"y": "z"} if n > 1800 else None} for n in range(2000)
    ]
    batches = pa.Table.from_pylist(rows, SCHEMA).to_batches(max_chunksize=100)
    found = pl.read_ndjson(io.BytesIO(b"".join(map(json_lines, typed_first(batches, SCHEMA)))))
    assert found.schema["f"] == pl.Float64
    assert found.filter(pl.col("f").is_not_null()).height == 1
    assert found.filter(pl.col("s").is_not_null()).height == 199


def test_rows_that_tell_all_stay_as_they_are():
    """Nothing is moved without need, and what comes behind them does not wait."""
    table = pa.table({"a": [1, 2, 3], "b": ["x", None, "y"], "c": pa.nulls(3)})
    read: list[int] = []

    def batches():
        for number, batch in enumerate(table.to_batches(max_chunksize=1)):
            read.append(number)
            yield batch

    found = typed_first(batches(), table.schema)
    assert (next(found).to_pylist(), read) == (table.slice(0, 1).to_pylist(), [0])
    assert [row for batch in found for row in batch.to_pylist()] == table.slice(1).to_pylist()
    assert list(typed_first([], table.schema)) == []


def test_what_waits_on_disk_is_what_waits_in_memory(monkeypatch):
    """A column without any value lets all rows wait."""
    table = pa.table({"a": range(5000), "b": pa.nulls(5000, pa.string())})
    for held in (1, 1 << 20):
        monkeypatch.setattr("refinery.storage.typed_first.HELD_BYTES", held)
        found = typed_first(table.to_batches(max_chunksize=700), table.schema)
        assert pa.Table.from_batches(found).equals(table)
