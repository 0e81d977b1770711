"""Dedup: one document of each group of exact or near duplicates is kept.

content     the hash that exact duplicates share             minhash     signatures, as datasketch makes them
run         the whole verb, over shards                      corpus      how documents are numbered and preferred
copies      documents with one hash                          bands       the cut into bands, the recall it promises
near        the search for near duplicates:
buckets     documents that share a band's key                candidates  pairs of a bucket with like signatures
verify      exact Jaccard from the texts                     components  which near pairs hang together
resolve     who is removed, and for whom                     same_signature  copies of signatures, the last
outcomes    who asks what became of which, and the result    sorting     order of preference, equal keys
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refinery.definition.models import Dedup
    from refinery.filters.measurer import Measurer


def measurers(dedup: Dedup) -> tuple[Measurer, ...]:
    """What must be measured on every document before this dedup can run."""
    from refinery.dedup.content import Content
    from refinery.dedup.minhash import MinHash

    found: list[Measurer] = [Content()] if dedup.exact else []
    if dedup.near:
        near = dedup.near
        found.append(MinHash(near.num_perm, near.seed, near.words, near.chars))
    return tuple(found)
