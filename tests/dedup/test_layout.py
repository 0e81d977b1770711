import numpy as np
import pyarrow as pa

from refinery.dedup.layout import (
    DedupShard,
    Layout,
    cut_into_stretches,
    preferred_order,
    read_entries,
    read_rows,
    starts_of,
)
from refinery.storage.write import TableWriter, write_table
from tests.dedup.corpus import write_shard


def test_runs_cut_documents_without_regard_to_shards(tmp_path):
    """Every row of every shard lies in exactly one piece, in order; each stretch but the last is full."""
    shards = [
        DedupShard(tmp_path / str(n), None, n == 0, rows, source="ab"[n % 2])
        for n, rows in enumerate([3, 0, 10, 2])
    ]
    layout = Layout(tmp_path, 15, 3, (), 112, 4, 100)
    stretches = cut_into_stretches(shards, layout)
    assert [[(p.source, p.document, p.start, p.stop) for p in stretch] for stretch in stretches] == [
        [(0, 0, 0, 3), (0, 3, 0, 1)],
        [(0, 4, 1, 5)],
        [(0, 8, 5, 9)],
        [(0, 12, 9, 10), (1, 13, 0, 2)],
    ]
    assert layout.stretches == 4 and layout.stretch_of(np.array([0, 3, 4, 14])).tolist() == [0, 0, 1, 3]


def test_rows_of_a_file_are_read_from_the_row_groups_that_hold_them(tmp_path):
    """Any stretch of rows comes whole and in order, whatever the row groups."""
    table = pa.table({"n": range(100)})
    with TableWriter(tmp_path / "a.parquet", table.schema) as writer:
        for start in range(0, 100, 7):
            writer.write_group(table.slice(start, 7))
    for start, stop in ((0, 100), (0, 1), (6, 8), (7, 14), (93, 100), (50, 50)):
        found = [
            (row, batch.column(0).to_pylist())
            for row, batch in read_rows(tmp_path / "a.parquet", ["n"], start, stop)
        ]
        assert [n for _, values in found for n in values] == list(range(start, stop))
        assert all(values[0] == row for row, values in found)


def test_preferences_and_who_stands(tmp_path):
    """Not measured is infinity, frozen minus infinity; without a column all documents stand."""
    old = write_shard(tmp_path / "old.parquet", ["x", "y"], frozen=True)
    table = pa.table({"stands": [True, False, True], "prefer_0": [1.0, None, float("nan")]})
    write_table(tmp_path / "new.parquet", table.to_batches(), table.schema)
    shards = [old, DedupShard(tmp_path / "new.parquet", None, False, 3)]
    layout = Layout(tmp_path, 5, 2, ("prefer_0",), 112, 100, 100)
    stands, prefer = read_entries(layout, cut_into_stretches(shards, layout)[0])
    assert stands.tolist() == [True, True, True, False, True]
    assert prefer[:, 0].tolist() == [-np.inf, -np.inf, 1.0, np.inf, np.inf]


def test_order_of_preference():
    """The columns in order, then the document's number; within groups where there are any."""
    records = np.zeros(6, Layout(None, 0, 0, ("a", "b"), 0, 1, 1).with_preferences(("document", np.int64)))
    records["document"] = [5, 4, 3, 2, 1, 0]
    records["prefer"] = [[1, 0], [0, 2], [0, 1], [0, 1], [-np.inf, 9], [np.inf, 0]]
    assert records["document"][preferred_order(records)].tolist() == [1, 2, 3, 4, 5, 0]
    group = records["document"] % 2
    assert records["document"][preferred_order(records, group)].tolist() == [2, 4, 0, 1, 3, 5]


def test_starts_of_groups():
    """Where any of the keys changes."""
    assert starts_of(np.array([1, 1, 2, 2]), np.array([0, 0, 0, 1])).tolist() == [True, False, True, True]
    assert starts_of(np.array([])).tolist() == []
