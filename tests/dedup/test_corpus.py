import pickle

import numpy as np
import pyarrow as pa

from refinery.dedup.corpus import DedupShard, make_corpus, partition_rows, read_entries, read_rows
from refinery.storage.write import TableWriter, write_table
from tests.dedup.corpus import set_partitions, write_shard


def test_documents_are_partitioned_without_regard_to_shards(tmp_path):
    """Every row of every shard once, in order; each partition but the last is full; so does an empty shard."""
    shards = [
        DedupShard(tmp_path / str(n), None, n == 0, rows, source="ab"[n % 2])
        for n, rows in enumerate([3, 0, 10, 2])
    ]
    found = partition_rows(shards, 4)
    assert [[(r.source, r.document, r.start, r.stop) for r in rows] for rows in found] == [
        [(0, 0, 0, 3), (1, 3, 0, 0), (0, 3, 0, 1)],
        [(0, 4, 1, 5)],
        [(0, 8, 5, 9)],
        [(0, 12, 9, 10), (1, 13, 0, 2)],
    ]
    assert partition_rows([], 4) == [()]
    assert [[r.shard for r in rows] for rows in partition_rows([shards[0], shards[1]], 3)] == [shards[:2]]


def test_units_read_the_rows_of_their_partition(tmp_path, monkeypatch):
    """As they were given, with spans that tell the documents; nothing of a shard goes with the numbering itself."""
    monkeypatch.setattr("refinery.dedup.corpus.LEAST_DOCUMENTS", 4)
    set_partitions(monkeypatch, 1)
    shards = [write_shard(tmp_path / f"{n}.parquet", ["x"] * 3, [[1.0] * 3] * 2) for n in range(500)]
    corpus = make_corpus(shards, 112, 2, tmp_path / "work")
    assert (corpus.documents, corpus.partitions, corpus.preferences) == (1500, 375, ("prefer_0", "prefer_1"))
    for partition, rows in enumerate(partition_rows(shards, 4)):
        assert corpus.rows(partition) == rows
        assert corpus.span(partition) == (rows[0].document, rows[0].document + 4)
    assert corpus.partition_of(np.array([0, 3, 4, 1499])).tolist() == [0, 0, 1, 374]
    assert len(pickle.dumps(corpus)) < 1500


def test_rows_of_a_file_are_read_from_the_row_groups_that_hold_them(tmp_path):
    """Any run of rows comes whole and in order, whatever the row groups."""
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
    """Not measured is infinity, of an earlier corpus minus infinity; without a column all documents stand."""
    old = write_shard(tmp_path / "old.parquet", ["x", "y"], earlier=True)
    table = pa.table({"stands": [True, False, True], "prefer_0": [1.0, None, float("nan")]})
    write_table(tmp_path / "new.parquet", table.to_batches(), table.schema)
    shards = [old, DedupShard(tmp_path / "new.parquet", None, False, 3)]
    stands, prefer = read_entries(make_corpus(shards, 112, 2, tmp_path / "work"), 0)
    assert stands.tolist() == [True, True, True, False, True]
    assert prefer[:, 0].tolist() == [-np.inf, -np.inf, 1.0, np.inf, np.inf]
