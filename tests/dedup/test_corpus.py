import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refinery.dedup.corpus import DedupShard, Partition, make_corpus, partition_rows, read_entries, read_rows
from refinery.storage.write import write_table
from tests.dedup.corpus import Documents, numbered, write_entries


def test_documents_are_partitioned_without_regard_to_shards(tmp_path):
    """Every row of every shard lies in exactly one partition, in order; each partition but the last is full."""
    shards = [
        DedupShard(Documents(None, rows, n == 0, "ab"[n % 2]), tmp_path / str(n))
        for n, rows in enumerate([3, 0, 10, 2])
    ]
    corpus = numbered(tmp_path, 15, 4, earlier=3)
    partitions = partition_rows(shards, corpus)
    assert [[(r.source, r.document, r.start, r.stop) for r in p.rows] for p in partitions] == [
        [(0, 0, 0, 3), (0, 3, 0, 1)],
        [(0, 4, 1, 5)],
        [(0, 8, 5, 9)],
        [(0, 12, 9, 10), (1, 13, 0, 2)],
    ]
    assert [(p.number, p.first, p.stop) for p in partitions] == [
        (0, 0, 4),
        (1, 4, 8),
        (2, 8, 12),
        (3, 12, 15),
    ]
    assert corpus.partitions == 4 and corpus.partition_of(np.array([0, 3, 4, 14])).tolist() == [0, 0, 1, 3]
    assert partition_rows([], numbered(tmp_path, 0, 4)) == [Partition(0, 0, 0, ())]


def test_rows_of_a_file_are_read_from_the_row_groups_that_hold_them(tmp_path):
    """Any run of rows comes whole and in order, whatever the row groups."""
    table = pa.table({"n": range(100)})
    write_table(tmp_path / "a.parquet", table.to_batches(), table.schema, row_group_bytes=7 * 8)
    assert pq.read_metadata(tmp_path / "a.parquet").row_group(0).num_rows == 7
    for start, stop in ((0, 100), (0, 1), (6, 8), (7, 14), (93, 100), (50, 50)):
        found = [
            (row, batch.column(0).to_pylist())
            for row, batch in read_rows(tmp_path / "a.parquet", ["n"], start, stop)
        ]
        assert [n for _, values in found for n in values] == list(range(start, stop))
        assert all(values[0] == row for row, values in found)


def test_preferences_and_who_arrives(tmp_path):
    """Not measured is the greatest, of an earlier corpus the least."""
    columns = {"arrives": [True, False, True], "prefer_0": [1.0, None, float("nan")]}
    shards = [
        write_entries(tmp_path / "old.parquet", {"prefer_0": [3.0, 4.0]}, earlier=True),
        write_entries(tmp_path / "new.parquet", columns),
    ]
    corpus = make_corpus(shards, 112, 2, tmp_path / "work")
    assert (corpus.documents, corpus.earlier, corpus.preferences) == (5, 2, ("prefer_0",))
    arrives, prefer = read_entries(corpus, partition_rows(shards, corpus)[0])
    assert arrives.tolist() == [True, True, True, False, True]
    last = np.iinfo(np.uint64).max
    assert prefer[[0, 1, 3, 4], 0].tolist() == [0, 0, last, last]
    assert 0 < prefer[2, 0] < last
