import random

import numpy as np

from refinery.dedup import corpus as corpus_module
from refinery.dedup.copies import find_copies
from refinery.dedup.corpus import make_corpus, partition_rows
from refinery.dedup.minhash import MinHash
from refinery.dedup.near import find_near
from refinery.dedup.verify import Search
from refinery.storage.place import files_below
from tests.dedup.corpus import in_order, jaccard, near, set_partitions, words, write_shard


def test_near_duplicates_are_edges_to_kept_documents(tmp_path, monkeypatch):
    """Each with its similarity, by partition of documents; of the records between units none is left."""
    chosen = random.Random(1)
    bases = [words(150, n) for n in range(8)]
    texts = []
    for _ in range(80):
        text = list(chosen.choice(bases))
        text[chosen.randrange(150)] = f"x{chosen.randrange(10**9)}"
        texts.append(" ".join(text))
    set_partitions(monkeypatch, 2000)
    monkeypatch.setattr(corpus_module, "LEAST_DOCUMENTS", 16)
    shards = [write_shard(tmp_path / f"{n}.parquet", texts[n * 40 : n * 40 + 40]) for n in range(2)]
    corpus = make_corpus(shards, 112, 28, tmp_path / "work")
    partitions = partition_rows(shards, corpus)
    exact, signatures, same = find_copies(corpus, partitions, True, True, in_order)
    search = Search(corpus, partitions, near(bands=28, rows=4), MinHash(), in_order)
    found = find_near(search, exact, signatures, same)
    assert {name.split("/")[0] for name in files_below(tmp_path / "work")} == {
        *(records.folder.name for records in found),
        *(
            records.folder.name
            for copies in (exact, signatures)
            for records in (copies.pairs, copies.requests)
        ),
    }
    removed = set()
    for partition in range(corpus.partitions):
        edges = np.concatenate([records.read(partition) for records in found])
        assert (corpus.partition_of(edges["document"]) == partition).all()
        for edge in edges:
            one, other = texts[edge["document"]], texts[edge["preferred"]]
            assert np.isclose(edge["similarity"], jaccard(one, other)) and edge["similarity"] >= 0.8
        removed |= set(edges["document"].tolist())
    kept = [n for n in range(80) if n not in removed]
    assert len(removed) > 40
    for partition in range(corpus.partitions):
        for records in found:
            assert set(records.read(partition)["preferred"].tolist()) <= set(kept)
