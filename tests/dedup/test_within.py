"""Near duplicates among documents that share columns."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa

from refinery.dedup import buckets
from refinery.dedup import corpus as corpus_module
from refinery.dedup.candidates import edge_dtype, find_candidates
from refinery.dedup.corpus import DedupShard, make_corpus
from refinery.dedup.keys import column_keys
from refinery.dedup.minhash import MinHash
from refinery.dedup.run import dedup
from refinery.dedup.settings import Settings
from refinery.shuffle.records import Records
from refinery.text.batch import TextBatch
from tests.conftest import document
from tests.dedup.corpus import backwards, in_order, near, records_of, set_partitions, write_entries


def write(path: Path, texts: list[str], groups: list[str | None] | None) -> DedupShard:
    """A shard of documents of these groups."""
    batch = TextBatch.from_texts(texts)
    columns = {"text": pa.array(texts, pa.large_string()), "signature": MinHash()(batch).column("signature")}
    if groups is not None:
        table = pa.table({"group": pa.array(groups, pa.string())})
        columns["within"] = column_keys(table, nothing_is_a_value=True)
    return write_entries(path, columns)


def removed(folder: Path, shards: list[DedupShard], map_units=in_order) -> dict[int, tuple[int, float]]:
    """Every removed document with the kept one and their similarity."""
    chosen = Settings(exact=False, near=near(0.7, bands=56, rows=2))
    result = dedup(shards, chosen, map_units=map_units, work=folder / "work")
    return {n: (kept, similarity) for n, _, kept, similarity in records_of(result).tolist()}


def edited(seed: int, edits: int) -> str:
    """A document of which some words are others."""
    words = document(seed).split()
    chosen = random.Random(seed * 100 + edits)
    for _ in range(edits):
        words[chosen.randrange(len(words))] = f"w{chosen.randrange(10**6)}"
    return " ".join(words)


def test_each_group_is_as_a_corpus_of_its_own(tmp_path, monkeypatch):
    """Copies, near ones and copies of signatures; documents without a group are one, too; whatever the partitions."""
    chosen = random.Random(5)
    texts = [edited(chosen.randrange(6), chosen.choice([0, 0, 1, 3, 9])) for _ in range(90)]
    groups = [chosen.choice(["a", "b", None]) for _ in texts]
    expected: dict[int, tuple[int, float]] = {}
    for group in ("a", "b", None):
        rows = [n for n, own in enumerate(groups) if own == group]
        alone = [write(tmp_path / f"{group}", [texts[n] for n in rows], None)]
        found = removed(tmp_path, alone, in_order)
        expected |= {rows[n]: (rows[kept], similarity) for n, (kept, similarity) in found.items()}
    assert len(expected) > 40
    assert len(removed(tmp_path, [write(tmp_path / "all", texts, None)])) > len(expected)
    shards = [write(tmp_path / f"{n}", texts[n : n + 30], groups[n : n + 30]) for n in range(0, 90, 30)]
    assert removed(tmp_path, shards) == expected
    monkeypatch.setattr(corpus_module, "LEAST_DOCUMENTS", 40)
    set_partitions(monkeypatch, 4000)
    assert removed(tmp_path, shards, backwards) == expected


def test_groups_that_share_a_bucket_by_chance_are_not_compared(tmp_path):
    """A bucket's key is a hash of 64 bits: that two groups have one must not make their documents duplicates."""
    shard = write(tmp_path / "0", [document(1)] * 4, ["a", "b", "a", None])
    corpus = make_corpus([shard], 112, 9, tmp_path / "work")
    dtype = buckets.signature_dtype(corpus)
    records = np.zeros(4, dtype)
    records["document"] = range(4)
    records["within"] = [[1, 1], [2, 1], [1, 1], [1, 2]]
    signatures = corpus.records("signatures", dtype)
    signatures.write(0, records)
    split, best = corpus.records("split", buckets.SPLIT), corpus.records("best", dtype)
    split.write(0, np.empty(0, buckets.SPLIT))
    best.write(0, np.empty(0, dtype))
    edges: Records = corpus.records("edges", edge_dtype(corpus))
    find_candidates(corpus, signatures, split, best, edges, 78, 0)
    assert edges.read()[["document", "preferred"]].tolist() == [(2, 0)]
