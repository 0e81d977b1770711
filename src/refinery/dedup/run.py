"""Dedup of a whole corpus, as units over partitions of documents and of keys, with records between them.

1. Documents: hashes of key texts and of signatures, by hash.                   copies.write_hashes
2. Hashes: documents with one; the preferred one stands for them.               copies.find_between
3. Documents: their copies; requests for what becomes of those they copy.       copies.write_copies
4. Documents: band keys of those that are left, by key.                         buckets.write_bands
5. Band keys: buckets of two documents or more, by document.                    buckets.find_buckets
6. Documents: preferences and signatures of the members, by bucket.             buckets.write_signatures
7. Buckets: candidate pairs, by document.                                       candidates.find_candidates
8. Pairs once each; those that signatures do not settle by their texts.         verify.settle
   What texts tell is kept; of what earlier runs have kept no text is read.     settled.find_settled
9. Spanning forests of near pairs, merged two by two; pairs by component.       components.label_components
10. Components: a document goes for a kept one that is preferred to it.         resolve.resolve_partition
11. Documents with the signature of another share its outcome, if near.         same_signature.settle_copies
    Where versions are kept, these are candidates as all others are.
12. Documents: the removed ones, each with the kept one for which it goes.      outcomes.write_removed

Where columns are compared, steps 1 to 3 come twice, first for their key: the copies by columns are left out of all
other steps, and are added to the removed ones at the end (outcomes.add_copies_by).

Memory: a unit holds about UNIT_PARTITIONS times a partition's bytes, which is sqrt(16 bytes * bands * documents *
1 MiB), and 1 GiB at most: 16 MB at a million documents, 159 MB at a hundred million; besides, the keys of the largest
bucket (16 bytes a document) and the pairs of the largest component. One step's memory grows with the corpus: the last
merge of forests, 24 bytes a document that has a near duplicate. This process holds counts.

Disk, at its peak: 16 bytes a band of each document, or, where more, 144 bytes and 8 a preference for each bucket that
a document shares, or 8 a shingle of the pairs that are read; files are removed as soon as nobody needs them. The
result depends on the shards' order and content alone, not on partitions, units or their order of completion.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from refinery.dedup.bands import bands_of
from refinery.dedup.copies import Copies, find_copies, find_copies_by
from refinery.dedup.corpus import Corpus, DedupShard, Partition, make_corpus, partition_rows
from refinery.dedup.minhash import minhash_of
from refinery.dedup.near import find_near
from refinery.dedup.outcomes import (
    CLUSTER,
    OUTCOME,
    RULES,
    add_copies_by,
    answer_dropped,
    answer_requests,
    largest_of,
    write_removed,
)
from refinery.dedup.verify import Search
from refinery.filters.verb import DROPPED_RECORD, Outcome, Removal
from refinery.shuffle.partition import partition_count
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place, remove_tree

if TYPE_CHECKING:
    from refinery.dedup.settings import Settings

UNIT_PARTITIONS = 5  # whose bytes a unit holds


def dedup(
    shards: Sequence[DedupShard],
    settings: Settings,
    *,
    map_units: MapUnits,
    work: Place,
) -> Outcome:
    """Keeps one document of each group of duplicates, the preferred one.

    shards: those of an earlier corpus first. The order of preference is the entries' `prefer_` columns, then the
    order of the shards, then of the rows. The kept document is always a kept one; an exact duplicate of a near
    duplicate is `near` to it.
    map_units runs a picklable function over units and gives the results in their order; `work` is a folder of its own
    for records between units: what an earlier call left there is removed, and at the end all but the result.
    """
    remove_tree(work)
    near = settings.near
    keys = bands_of(near).count if near else 2  # exact: a hash takes the place of two keys
    corpus = make_corpus(shards, near.num_perm if near else 0, keys, work)
    map_units = partial(map_units, memory=UNIT_PARTITIONS * corpus.partition_bytes)
    partitions = partition_rows(shards, corpus)
    by = find_copies_by(corpus, partitions, map_units) if settings.by else None
    gone = (by.pairs,) if by else ()
    alike = near is not None and not near.keep_versions  # a version may have the signature of its text
    exact, signatures, same = find_copies(corpus, partitions, settings.compares_texts, alike, map_units, gone)
    removed: tuple[Records, ...] = ()
    with exact, signatures:
        if near:
            search = Search(corpus, partitions, near, minhash_of(near, settings.fold), map_units)
            removed = find_near(search, exact, signatures, same, gone)
        result, clusters = _write_removed(corpus, partitions, exact, removed, map_units)
    with clusters:
        largest = _largest(clusters, shards, "are near duplicates of one", map_units) if near else []
    for records in removed:
        records.remove()
    if by:
        with by:
            result, clusters = _add_copies_by(corpus, partitions, by, result, map_units)
        with clusters:
            largest += _largest(clusters, shards, "share `by` with one", map_units)
    return Outcome(RULES, result, corpus.partition_documents, tuple(largest))


def _write_removed(
    corpus: Corpus,
    partitions: Sequence[Partition],
    exact: Copies,
    removed: tuple[Records, ...],
    map_units: MapUnits,
) -> tuple[Records, Records]:
    """All removed documents, how many each removes as near (CLUSTER, by document)."""
    result = corpus.records("removed", DROPPED_RECORD, partitions=corpus.partitions)
    count = partition_count(corpus.documents, CLUSTER, corpus.partition_bytes)
    clusters = corpus.records("clusters", CLUSTER, partitions=count)
    with corpus.records("outcomes", OUTCOME, partitions=corpus.partitions) as outcomes:
        if removed:
            answer = partial(answer_requests, corpus, removed, exact.requests, outcomes)
            map_units("dedup outcomes of copies", answer, range(corpus.partitions))
        answers = outcomes if removed else None
        write = partial(write_removed, corpus, exact.pairs, answers, removed, result, clusters)
        map_units("dedup removed", write, partitions)
    return result, clusters


def _add_copies_by(
    corpus: Corpus, partitions: Sequence[Partition], by: Copies, removed: Records, map_units: MapUnits
) -> tuple[Records, Records]:
    """As `_write_removed`, of copies by columns and what was removed for its text; removes the latter's records."""
    numbers = range(corpus.partitions)
    result = corpus.records("dropped", DROPPED_RECORD, partitions=corpus.partitions)
    count = partition_count(corpus.documents, CLUSTER, corpus.partition_bytes)
    clusters = corpus.records("clusters-by", CLUSTER, partitions=count)
    with removed, corpus.records("answers-by", DROPPED_RECORD, partitions=corpus.partitions) as answers:
        answer = partial(answer_dropped, removed, by.requests, answers)
        map_units("dedup outcomes of copies by columns", answer, numbers)
        add = partial(add_copies_by, corpus, by.pairs, answers, removed, result, clusters)
        map_units("dedup removed by columns", add, partitions)
    return result, clusters


def _largest(clusters: Records, shards: Sequence[DedupShard], how: str, map_units: MapUnits) -> list[Removal]:
    """Of each source of which any goes, the document for which most of it goes."""
    arrived: dict[str, int] = {}
    for documents in (shard.documents for shard in shards):
        arrived[documents.source] = arrived.get(documents.source, 0) + documents.arrived
    most: dict[int, tuple[int, int]] = {}
    for found in map_units("dedup guard", partial(largest_of, clusters), range(clusters.partitions)):
        for kept, source, count in found.tolist():
            most[source] = min(most.get(source, (0, 0)), (-count, kept))
    names = list(arrived)
    return [
        Removal(names[source], kept, -count, arrived[names[source]], how)
        for source, (count, kept) in sorted(most.items())
    ]
