import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.dedup.copies import COPY, Copies, write_copies
from refinery.dedup.corpus import Corpus, DedupShard, partition_rows
from refinery.dedup.outcomes import (
    AGAINST,
    CLUSTER,
    EXACT,
    NEAR,
    OUTCOME,
    answer_requests,
    largest_of,
    write_removed,
)
from refinery.dedup.verify import near_dtype
from refinery.filters.verb import DROPPED_RECORD
from refinery.shuffle.records import REQUEST, Records
from tests.dedup.corpus import Documents, numbered

TOTAL = 24


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 12), min_size=TOTAL, max_size=TOTAL),
    st.integers(0, 6),
    st.integers(1, 10),
    st.randoms(use_true_random=False),
)
def test_copies_share_the_outcome_of_what_they_copy(tmp_path_factory, contents, earlier, size, chosen):
    """As a dictionary tells it, whatever the partitions: who is named is kept, and an earlier corpus stays."""
    corpus = numbered(tmp_path_factory.mktemp("outcomes"), TOTAL, size, earlier=earlier)
    first = {content: contents.index(content) for content in contents}
    copies = {n: first[content] for n, content in enumerate(contents) if first[content] != n}
    near: dict[int, tuple[int, float]] = {}
    for copied in sorted(first.values()):
        kept = [n for n in first.values() if n < copied and n not in near]
        if copied >= earlier and kept and chosen.random() < 0.5:
            near[copied] = chosen.choice(kept), chosen.choice([0.8, 0.9])
    expected = {n: (other, NEAR, similarity) for n, (other, similarity) in near.items()}
    for n, copied in copies.items():
        if n >= earlier:
            expected[n] = (near[copied][0], NEAR, near[copied][1]) if copied in near else (copied, EXACT, 1.0)
    found, clusters = removed(corpus, copies, near)
    assert found == {
        n: (other, AGAINST if other < earlier else rule, np.float32(similarity))
        for n, (other, rule, similarity) in expected.items()
    }
    taken = [other for other, _ in near.values()]  # the guard counts what a document removes as near itself
    most = max((taken.count(other) for other in taken), default=0)
    first = min((other for other in taken if taken.count(other) == most), default=None)
    assert largest_of(clusters, 0).tolist() == ([(first, 0, most)] if most else [])


def removed(
    corpus: Corpus, copies: dict[int, int], near: dict[int, tuple[int, float]]
) -> tuple[dict, Records]:
    """Every removed document with its kept one, by the units of a dedup with one partition of hashes."""
    count, numbers = corpus.partitions, range(corpus.partitions)
    within = corpus.records("within", COPY)
    for number in numbers:
        within.write(number, np.empty(0, COPY))
    between = corpus.records("between", COPY, partitions=count, writers=1)
    pairs = np.array(list(copies.items()), COPY)
    between.write(0, pairs, corpus.partition_of(pairs["document"]))
    edges = np.zeros(len(near), near_dtype(corpus))
    edges["document"] = list(near)
    edges["preferred"] = [kept for kept, _ in near.values()]
    edges["similarity"] = [similarity for _, similarity in near.values()]
    resolved = corpus.records("resolved", edges.dtype, partitions=count, writers=1)
    resolved.write(0, edges, corpus.partition_of(edges["document"]))
    exact, signatures = (
        Copies(
            corpus.records(f"{name}-pairs", COPY),
            corpus.records(f"{name}-requests", REQUEST, partitions=count),
        )
        for name in ("exact", "signature")
    )
    for number in numbers:
        assert write_copies(corpus, [("content", within, between)], exact, signatures, number) == 0
    outcomes = corpus.records("outcomes", OUTCOME, partitions=count)
    for number in numbers:
        answer_requests(corpus, (resolved,), exact.requests, outcomes, number)
    result = corpus.records("removed", DROPPED_RECORD, partitions=count)
    clusters = corpus.records("clusters", CLUSTER)
    found = []
    shards = [DedupShard(Documents(None, corpus.documents), corpus.work)]
    for number, partition in enumerate(partition_rows(shards, corpus)):
        write_removed(corpus, exact.pairs, outcomes, (resolved,), result, clusters, partition)
        found += result.read_written(number).tolist()
    assert [document for document, *_ in found] == sorted({document for document, *_ in found})
    return {document: (kept, rule, similarity) for document, rule, kept, similarity in found}, clusters
