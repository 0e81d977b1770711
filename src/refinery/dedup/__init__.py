"""Dedup: one document of each group of exact or near duplicates is kept.

content     the hash that exact duplicates share            minhash     signatures, as datasketch makes them
bands       the cut into bands and the recall it promises   signatures  the kernels that make signatures
run         the whole verb, over shards                     layout      how documents are numbered and preferred
groups      documents with one hash, by key range           buckets     documents that share a band, by key range
candidates  pairs of one bucket that look alike             verify      exact Jaccard from the texts
components  which near pairs hang together                  resolve     who is removed, and for whom
fates       copies share the fate of what they copy         spill       records and arrays on disk between units
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
