"""Footers without the columns that a source does not ask for: Arrow reads from them what it reads from the whole."""

import random
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.column_settings import Join, NamedColumn, Where
from refinery.sources.documents import SourceSpec
from refinery.sources.parquet_footer import narrow_metadata

ROWS = 40
COLUMNS = {
    "id": pa.array([f"d{n}" for n in range(ROWS)]),
    "text": pa.array([f"text {n}" for n in range(ROWS)], pa.large_string()),
    "number": pa.array(range(ROWS), pa.int32()),
    "time": pa.array(range(ROWS), pa.timestamp("us", "Europe/Berlin")),
    "label": pa.array(["a", "b", None, "a"] * 10).dictionary_encode(),
    "inner": pa.array([{"a": {"b": [n, None]}, "c": f"{n}"} for n in range(ROWS)]),
    "many": pa.array([[{"x": n, "y": [True]}] * (n % 3) for n in range(ROWS)]),
    "map": pa.array([[(f"k{n}", n)] for n in range(ROWS)], pa.map_(pa.string(), pa.int64())),
    "né.e": pa.array([None] * ROWS, pa.float32()),
}


def written(table: pa.Table, **options: object) -> BytesIO:
    file = BytesIO()
    pq.write_table(table, file, row_group_size=15, **options)
    return file


def kept(file: BytesIO, *names: str, **settings: object) -> pq.FileMetaData | None:
    return narrow_metadata(file, SourceSpec("s", ("x",), keep=names, **settings), large=0)


@settings(max_examples=25)
@given(
    st.permutations(list(COLUMNS)),
    st.sets(st.sampled_from(list(COLUMNS))),
    st.booleans(),
    st.sampled_from(["1.0", "2.6"]),
)
def test_what_is_kept_is_read_as_from_the_whole(order, names, store_schema, version):
    """Whatever lies beside it: types, values, row groups and their sizes."""
    table = pa.table({name: COLUMNS[name] for name in order}).replace_schema_metadata({"made": "by us"})
    file = written(table, store_schema=store_schema, version=version, sorting_columns=[pq.SortingColumn(1)])
    found = kept(file, *names)
    asked = [name for name in order if name in {"text", "id", *names}]
    whole = pq.ParquetFile(file)
    assert pq.ParquetFile(file, metadata=found).read().equals(whole.read(asked), check_metadata=True)
    groups = range(whole.num_row_groups)
    assert [found.row_group(n).total_byte_size for n in groups] == [
        whole.metadata.row_group(n).total_byte_size for n in groups
    ]


def test_all_that_the_source_speaks_of_is_there():
    """Named columns by what the file calls them, conditions, keys of joins, and the whole of a nested one."""
    spec = {
        "text": ("inner.c",),
        "id": "né.e",
        "columns": (NamedColumn("n", "number", "string"),),
        "where": Where("time > 1", (("time", "timestamp"),)),
        "joins": (Join(("y",), ("label",), ("key",), ()),),
    }
    found = kept(written(pa.table(COLUMNS)), **spec)
    assert found.schema.to_arrow_schema().names == ["number", "time", "label", "inner", "né.e"]


@pytest.mark.parametrize(
    "spec",
    [{"text": ("body",)}, {"id": "key"}, {"text": ("body.main", "text")}],
)
def test_the_whole_is_read_where_a_column_is_missing(spec):
    """For the message that lists what there is; columns that are kept may be missing."""
    file = written(pa.table(COLUMNS))
    assert kept(file, **spec) is None
    assert kept(file, "elsewhere").num_columns == 2


def test_the_whole_is_read_where_it_is_small_or_all_of_it_is_carried():
    """Two columns of a name too, which are told."""
    file = written(pa.table(COLUMNS))
    assert narrow_metadata(file, SourceSpec("s", ("x",), keep=())) is None
    assert narrow_metadata(file, SourceSpec("s", ("x",)), large=0) is None
    twice = written(pa.table([COLUMNS["text"], COLUMNS["id"]], ["text", "text"]))
    assert kept(twice) is None


def test_damage_is_left_to_arrow():
    """Bytes changed anywhere in a footer: it is not cut, or Arrow tells; nothing else is raised."""
    file = written(pa.table(COLUMNS)).getvalue()
    length = int.from_bytes(file[-8:-4], "little")
    chosen = random.Random(0)
    for _ in range(300):
        damaged = bytearray(file)
        damaged[chosen.randrange(len(file) - 8 - length, len(file))] = chosen.randrange(256)
        try:
            kept(BytesIO(damaged))
        except (pa.ArrowException, OSError):
            continue
    for end in (b"", b"PAR1", b"\xff\xff\xff\x7fPAR1"):
        assert kept(BytesIO(end)) is None
