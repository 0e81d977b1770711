"""The search for near duplicates: candidates, settled, then resolved; copies of signatures after those they copy."""

from __future__ import annotations

from functools import partial

from refinery.dedup.bands import bands_of, least_jaccard
from refinery.dedup.buckets import (
    BAND,
    MEMBER,
    SPLIT,
    find_buckets,
    signature_dtype,
    write_bands,
    write_signatures,
)
from refinery.dedup.candidates import edge_dtype, find_candidates
from refinery.dedup.copies import Copies
from refinery.dedup.resolve import resolve
from refinery.dedup.same_signature import settle_copies
from refinery.dedup.verify import Search, candidate_count, settle
from refinery.shuffle.partition import partition_count
from refinery.shuffle.records import Records


def find_near(
    search: Search, exact: Copies, signatures: Copies, same: int, gone: tuple[Records, ...] = ()
) -> tuple[Records, ...]:
    """The removed near duplicates, edges to kept documents, by document.

    same: copies of signatures; gone: copies by columns, which are left out.
    """
    settled = settle(
        search, _candidates(search, *gone, exact.pairs, signatures.pairs), "dedup pairs:", keep=True
    )
    settled.far.remove()
    resolved = resolve(search.corpus, settled, search.map_units)
    return (resolved, *(settle_copies(search, signatures, resolved, same) if same else ()))


def _candidates(search: Search, *copies: Records) -> Records:
    """Candidate edges, by document, of the documents that are no copies."""
    corpus, near, map_units = search.corpus, search.near, search.map_units
    bands, size = bands_of(near), corpus.partition_bytes
    keys = partition_count(corpus.documents * bands.count, BAND, size)
    members = corpus.records("members", MEMBER, partitions=corpus.partitions, writers=keys)
    split = corpus.records("split", SPLIT, writers=keys)
    with corpus.records("bands", BAND, partitions=keys) as banded:
        write = partial(write_bands, corpus, bands, copies, banded)
        map_units("dedup bands", write, search.partitions)
        find = partial(find_buckets, corpus, banded, members, split)
        count = sum(map_units("dedup buckets", find, range(keys)))
    dtype = signature_dtype(corpus)
    buckets = partition_count(count, dtype, size)
    signed = corpus.records("signatures", dtype, partitions=buckets)
    best = corpus.records("best", dtype)
    with members:
        sign = partial(write_signatures, corpus, members, split, signed, best)
        map_units("dedup signatures", sign, search.partitions)
    wanted = partition_count(2 * count, edge_dtype(corpus), size)
    edges = corpus.records("edges", edge_dtype(corpus), partitions=wanted, writers=buckets)
    with signed, split, best:
        least = candidate_count(least_jaccard(near), near.num_perm)
        compare = partial(find_candidates, corpus, signed, split, best, edges, least)
        map_units("dedup candidates", compare, range(buckets))
    return edges
