import numpy as np

from refinery.dedup.layout import Layout, preferred_order, write_preferences
from tests.dedup.corpus import write_shard


def test_order_of_preference(tmp_path):
    """Frozen first, then the columns in the order of their numbers, not measured last, then the document's number."""
    ascending = [[0.0] * 3] * 2 + [[1, 1, None]] + [[0.0] * 3] * 7 + [[2, 1, 0]]  # prefer_2 before prefer_10
    shards = [
        write_shard(tmp_path / "old.parquet", ["x", "y"], frozen=True),
        write_shard(tmp_path / "a.parquet", ["x"] * 3, ascending),
        write_shard(tmp_path / "b.parquet", ["x"] * 3, ascending),
    ]
    layout = Layout.of(shards, tmp_path, 112)
    for number, shard in enumerate(shards):
        write_preferences(layout, number, shard)
    assert (layout.frozen, layout.starts.tolist()) == (2, [0, 2, 5, 8])
    documents = np.array([7, 6, 5, 4, 3, 2, 1, 0])
    assert documents[preferred_order(layout, documents)].tolist() == [0, 1, 3, 6, 2, 5, 4, 7]
    group = documents % 2
    ordered = documents[preferred_order(layout, documents, group)]
    assert ordered.tolist() == [0, 6, 2, 4, 1, 3, 5, 7]


def test_documents_are_found_by_shard(tmp_path):
    """Each shard's part of ascending numbers; shards without any are left out."""
    layout = Layout(tmp_path, np.array([0, 2, 2, 5]), 0, (), 112)
    documents = np.array([0, 3, 4])
    assert [(n, documents[part].tolist()) for n, part in layout.by_shard(documents)] == [
        (0, [0]),
        (2, [3, 4]),
    ]
