"""Which documents keep their copies of passages that others have, however the search is cut into units."""

import random

from refinery.dedup import passage_search
from refinery.shuffle import partition
from tests.dedup.passage_shards import NOTE, TextShard, cut


def test_only_documents_that_share_columns_are_compared(tmp_path):
    """`within` keeps a copy for each of its values; documents that do not arrive keep nothing."""
    shard = TextShard((NOTE,) * 5, {"host": ["a", "b", "a", None, None]}, gone=(0,))
    found = cut([shard], tmp_path, paragraphs=40, within=["host"])
    assert found.dropped == {4: 3}
    assert cut([shard], tmp_path, paragraphs=40).dropped == {2: 1, 3: 1, 4: 1}


def test_a_passage_of_very_many_documents_keeps_its_first_copy(tmp_path, monkeypatch):
    """Large groups are compared in parts, each with the first of all."""
    monkeypatch.setattr(passage_search, "GROUP", 4)
    texts = [f"{number} {NOTE} by {number}" for number in range(23)]
    for kind in ("characters", "paragraphs"):
        found = cut([TextShard(tuple(texts))], tmp_path, **{kind: 40}, rest=1)
        assert all(span[3] == 0 for span in found.spans)
        assert len(found.spans) == (22 if kind == "characters" else 0)


def test_units_change_nothing(tmp_path, monkeypatch):
    """Many partitions, a batch for each shard: the same passages go as from one unit of each step."""
    drawn = random.Random(5)
    sentences = [" ".join(drawn.choices(NOTE.split(), k=12)) + "." for _ in range(40)]
    shards = [
        TextShard(tuple(" ".join(drawn.choices(sentences, k=8)) for _ in range(6)), {"n": list(range(6))})
        for _ in range(8)
    ]
    whole = cut(shards, tmp_path / "whole", characters=60, prefer=["source", "n DESC"])
    monkeypatch.setattr(partition, "LEAST_BYTES", 200)
    monkeypatch.setattr(partition, "READ_BYTES", 1)
    monkeypatch.setattr(passage_search, "LEAST_BATCH", 1)
    assert cut(shards, tmp_path / "parts", characters=60, prefer=["source", "n DESC"]) == whole
    assert len(whole.spans) > 40
