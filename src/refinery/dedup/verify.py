"""What settles a candidate pair: the number of equal hashes where that is certain, else the texts.

An estimate above the threshold is not enough to remove a document: one with thousands of candidates just below the
threshold has thousands of chances to be overestimated. So a pair is accepted by its signatures only when that many
equal hashes occur in a pair at the threshold with probability CERTAIN or less. It is rejected when its estimate
lies three standard errors below the threshold, which loses one pair in a thousand of those at the threshold.
All others are settled by the exact similarity of their shingles, for which their texts are read again; so are all
where signatures cannot tell: where another measure than Jaccard's is asked for, or versions are to be kept.

The units: a partition of the edges makes them unique and asks the partitions of documents for texts; each of these
reads its texts once and answers with sets of shingles; a finer partition of the edges compares. Disk: 8 bytes a
shingle, for each document of each partition that compares it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.candidates import unique_edges
from refinery.dedup.corpus import Corpus, Partition
from refinery.dedup.sets import WORD, exact_similarities, write_sets
from refinery.dedup.settled import SETTLED, find_settled, keep_settled, similarity_of
from refinery.dedup.sorting import starts_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import REQUEST, Records
from refinery.shuffle.units import MapUnits

if TYPE_CHECKING:
    from refinery.dedup.minhash import MinHash
    from refinery.dedup.settings import Near

CERTAIN = 1e-9
STANDARD_ERRORS = 3.0
MOST = 0.9999  # similarity on record of a near pair: 1 is that of equal key texts alone
CHANCE = 1 / 256  # that two different hashes agree in the 8 bits that are compared
SET_BYTES = 1 << 13  # of a document's shingles, as they are expected when partitions are made finer


@dataclass(frozen=True)
class Search:
    """What near-duplicate search needs."""

    corpus: Corpus
    partitions: Sequence[Partition]  # of documents
    near: Near
    minhash: MinHash
    map_units: MapUnits


@dataclass(frozen=True)
class Settled:
    """Edges of near_dtype, by document: near ones, of each writer the number, and far ones."""

    near: Records
    far: Records
    counts: tuple[int, ...]
    far_count: int


def near_dtype(corpus: Corpus) -> np.dtype[Any]:
    """A document, one preferred to it, their equal hashes and similarity, and the preferences of the latter."""
    fields = ("document", np.int64), ("preferred", np.int64), ("equal", np.int16), ("similarity", np.float64)
    return corpus.with_preferences(*fields)


def agreement(similarity: float) -> float:
    """Probability that a hash of two documents agrees in 8 bits: s + (1 - s) / 256."""
    return similarity + (1 - similarity) * CHANCE


def estimate(equal: NDArray[np.int16], num_perm: int) -> NDArray[np.float64]:
    """Similarity from the number of hashes that agree in 8 bits, float64; 1 when all do."""
    found: NDArray[np.float64] = np.maximum((equal / num_perm - CHANCE) / (1 - CHANCE), 0.0)
    return found


def certain_count(threshold: float, num_perm: int) -> int:
    """Equal hashes from which on a pair is certain to be at the threshold; num_perm + 1 if no number is enough.

    The upper tail of Binomial(num_perm, agreement(threshold)), summed exactly from the top.

    >>> certain_count(0.8, 112), certain_count(0.7, 112), certain_count(0.9, 112)
    (111, 105, 113)
    """
    chance = agreement(threshold)
    tail, count = 0.0, num_perm + 1
    while count > 0:
        lower = count - 1
        tail += math.comb(num_perm, lower) * chance**lower * (1 - chance) ** (num_perm - lower)
        if tail > CERTAIN:
            break
        count = lower
    return count


def candidate_count(threshold: float, num_perm: int) -> int:
    """Equal hashes below which a pair is rejected: those of the threshold less three standard errors.

    >>> candidate_count(0.8, 112)
    78
    """
    chance = agreement(threshold)
    error = math.sqrt(chance * (1 - chance) / num_perm)
    return max(1, math.ceil(num_perm * (chance - STANDARD_ERRORS * error)))


def settle(search: Search, edges: Records, name: str, *, keep: bool = False) -> Settled:
    """Tells near edges from far ones; removes `edges`, which are partitioned by document and may come twice.

    keep: what texts tell is kept, and taken from what earlier runs have kept, where edges tell of texts.
    """
    corpus, near, map_units = search.corpus, search.near, search.map_units
    kind, count, documents = edges.folder.name, edges.partitions, corpus.partitions
    by_signature = near.measure == "jaccard" and not near.keep_versions
    keep = keep and by_signature  # what is kept says no other measure
    certain = certain_count(near.similarity, corpus.num_perm) if by_signature else corpus.num_perm + 1
    unique = corpus.records(f"{kind}-unique", edges.form, writers=count)
    with edges:
        write = partial(write_unique, edges, unique, certain)
        still_open = sum(map_units(f"{name} unique pairs", write, range(count)))
    known: Records | None = None
    if keep and corpus.texts and still_open:
        known, there = find_settled(corpus, search.partitions, unique, certain, map_units)
        still_open -= there
    finer = -(-still_open * 2 * SET_BYTES // (corpus.partition_bytes * count)) or 1
    form = np.dtype([*edges.form.descr, ("similarity", np.float64)])  # NaN: not known yet
    pairs = corpus.records(f"{kind}-pairs", form, partitions=finer, writers=count)
    wanted = corpus.records(f"{kind}-wanted", REQUEST, partitions=documents, writers=count)
    with unique, known or nullcontext():
        write_some = partial(write_wanted, corpus, unique, known, pairs, wanted, certain)
        map_units(f"{name} wanted texts", write_some, range(count))
    sets = corpus.records(f"{kind}-sets", WORD, partitions=count * finer)
    with wanted:
        if still_open:
            read = partial(write_sets, search.minhash, near, wanted, sets)
            map_units(f"{name} texts", read, search.partitions)
    found, far = (
        corpus.records(f"{kind}-{what}", near_dtype(corpus), partitions=documents, writers=count * finer)
        for what in ("near", "far")
    )
    with pairs, sets:
        needed = sets if still_open else None
        fresh = None
        if known and still_open:
            fresh = corpus.records("fresh", SETTLED, partitions=documents, writers=count * finer)
        compare = partial(compare_pairs, corpus, pairs, needed, certain, near, found, far, fresh)
        counts = map_units(f"{name} compare", compare, range(count * finer))
    if fresh:
        with fresh:
            keep_settled(corpus, search.partitions, fresh, map_units)
    return Settled(found, far, tuple(n for n, _ in counts), sum(n for _, n in counts))


def write_unique(edges: Records, unique: Records, certain: int, partition: int) -> int:
    """Writes a partition's edges, each once; gives the number of those that need their texts."""
    found = unique_edges(edges.read(partition))
    unique.write(partition, found)
    return int((found["equal"] < certain).sum())


def write_wanted(
    corpus: Corpus,
    unique: Records,
    known: Records | None,
    pairs: Records,
    wanted: Records,
    certain: int,
    partition: int,
) -> None:
    """Writes a partition's edges by finer partition, and the documents whose texts these want, by document.

    known: similarities that need no texts.
    """
    unknown = unique.read_written(partition)
    edges = np.empty(len(unknown), pairs.form)
    for name in unknown.dtype.names or ():
        edges[name] = unknown[name]
    edges["similarity"] = similarity_of(unknown, known.read(partition)) if known else np.nan
    numbers = partition_of(hash_numbers(edges["document"]), unique.writers * pairs.partitions)
    pairs.write(partition, edges, numbers - partition * pairs.partitions)
    here = is_open(edges, certain)
    asked = np.empty(2 * int(here.sum()), REQUEST)
    asked["document"] = np.concatenate([edges["document"][here], edges["preferred"][here]])
    asked["partition"] = np.tile(numbers[here], 2)
    asked = asked[np.lexsort((asked["partition"], asked["document"]))]
    asked = asked[starts_of(asked["document"], asked["partition"])]
    wanted.write(partition, asked, corpus.partition_of(asked["document"]))


def is_open(edges: NDArray[Any], certain: int) -> NDArray[np.bool_]:
    """Which edges are settled by texts."""
    found: NDArray[np.bool_] = (edges["equal"] < certain) & np.isnan(edges["similarity"])
    return found


def compare_pairs(
    corpus: Corpus,
    pairs: Records,
    sets: Records | None,
    certain: int,
    wanted: Near,
    near: Records,
    far: Records,
    fresh: Records | None,
    partition: int,
) -> tuple[int, int]:
    """Writes a finer partition's edges with their similarity, near ones and far ones; gives their numbers.

    sets: of shingles, None if no pair needs them; fresh: what texts told, to be kept.
    """
    edges = pairs.read(partition % pairs.partitions, [partition // pairs.partitions])
    edges = edges[np.lexsort((edges["preferred"], edges["document"]))]
    known = edges["similarity"]
    similarity = np.where(np.isnan(known), estimate(edges["equal"], corpus.num_perm), known)
    still_open = np.flatnonzero(is_open(edges, certain))
    if sets is not None and len(still_open):
        size = sets.count(partition) * WORD.itemsize
        # longer texts than were expected are compared a share of the pairs at a time
        for chosen in np.array_split(still_open, -(-size // (2 * corpus.partition_bytes)) or 1):
            similarity[chosen] = exact_similarities(sets, partition, edges[chosen], wanted)
    found = np.empty(len(edges), near.form)
    for name in near.form.names or ():
        found[name] = edges[name]
    found["similarity"] = similarity
    if fresh:
        told = np.empty(len(still_open), SETTLED)
        for name in SETTLED.names or ():
            told[name] = (edges if name == "text" else found)[name][still_open]
        fresh.write(partition, told, corpus.partition_of(told["document"]))
    is_near = similarity >= wanted.similarity
    found["similarity"] = np.minimum(similarity, MOST)
    for target, here in ((near, found[is_near]), (far, found[~is_near])):
        target.write(partition, here, corpus.partition_of(here["document"]))
    return int(is_near.sum()), int((~is_near).sum())
