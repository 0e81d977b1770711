import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.dedup.components import batches_of, label_components, labels_of
from refinery.dedup.corpus import Corpus
from refinery.dedup.resolve import chosen_edges
from refinery.dedup.verify import Settled, near_dtype
from refinery.shuffle.partition import hash_numbers, partition_of
from tests.dedup.corpus import in_order, numbered

PAIRS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(lambda p: p[0] != p[1]), max_size=40
)


def edges_of(corpus: Corpus, pairs: list[tuple[int, int]]) -> np.ndarray:
    edges = np.zeros(len(pairs), near_dtype(corpus))
    edges["document"], edges["preferred"] = [max(p) for p in pairs], [min(p) for p in pairs]
    edges["similarity"] = 0.9
    return edges


def components(pairs: list[tuple[int, int]]) -> dict[int, int]:
    """The least number that can be reached from each."""
    root = {n: n for pair in pairs for n in pair}
    for _ in root:
        for one, other in pairs:
            root[one] = root[other] = min(root[one], root[other])
    return root


@given(PAIRS, st.integers(1, 6), st.integers(1, 2000))
def test_labels_are_the_components_of_all_edges(tmp_path_factory, pairs, files, size):
    """However many files the edges are in, and however these are batched: a component's least document labels all."""
    corpus = numbered(tmp_path_factory.mktemp("forests"), 31, 10)
    edges = edges_of(corpus, list({(max(p), min(p)) for p in pairs}))
    numbers = partition_of(hash_numbers(edges["document"]), files)
    near = corpus.records("near", edges.dtype, partitions=corpus.partitions, writers=files)
    for number in range(files):
        here = edges[numbers == number]
        near.write(number, here, corpus.partition_of(here["document"]))
    settled = Settled(near, near, tuple(np.bincount(numbers, minlength=files).tolist()), 0)
    batches = batches_of(settled, size)
    assert [n for batch in batches for n in range(batch.start, batch.stop)] == list(range(files))
    labels = label_components(corpus, settled, batches, in_order)
    found = [labels_of(labels, batch.number) for batch in batches]
    root = components(pairs)
    assert sorted(np.concatenate(found).tolist()) == sorted(root.items())
    for batch, own in zip(batches, found, strict=True):
        here = edges["document"][(numbers >= batch.start) & (numbers < batch.stop)]
        assert set(here.tolist()) <= set(own["document"].tolist())


@given(PAIRS, st.randoms())
def test_resolving_components_alone_or_together_is_the_same(pairs, random):
    """Who is removed depends on the component only, and every removed one has a kept one."""
    corpus = numbered(None, 31, 100)
    edges = edges_of(corpus, list({(max(p), min(p)) for p in pairs}))
    edges["similarity"] = [random.choice([0.8, 0.9, 1.0]) for _ in edges]
    whole = [(e["document"], e["preferred"]) for e in chosen_edges(edges)]
    root = components(pairs)
    labels = np.array([root[n] for n in edges["document"].tolist()], np.int64)
    alone = [
        (e["document"], e["preferred"])
        for r in sorted(set(root.values()))
        for e in chosen_edges(edges[labels == r])
    ]
    assert sorted(alone) == whole
    removed = {document for document, _ in whole}
    assert not {kept_one for _, kept_one in whole} & removed
    kept = set(root) - removed
    assert not any(a in kept and b in kept for a, b in pairs)
