"""What settles a candidate pair: the number of equal hashes where that is certain, else the texts.

An estimate above the threshold is not enough to remove a document: one with thousands of candidates just below the
threshold has thousands of chances to be overestimated. So a pair is accepted by its signatures only when that many
equal hashes occur in a pair at the threshold with probability CERTAIN or less. It is rejected when its estimate
lies three standard errors below the threshold, which loses one pair in a thousand of those at the threshold.
All others are settled by the exact Jaccard similarity of their shingles, for which their texts are read again.
Disk: 8 bytes a shingle of the documents that are read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.dedup.layout import DedupShard, Layout, MapUnits, Near, ReadTexts
from refinery.errors import RunError

CERTAIN = 1e-9
STANDARD_ERRORS = 3.0


@dataclass(frozen=True)
class Search:
    """What settling pairs needs; shards are in the layout's order."""

    layout: Layout
    shards: list[DedupShard]
    near: Near
    map_units: MapUnits
    read_texts: ReadTexts


@dataclass(frozen=True)
class ShingleUnit:
    """One shard: reads the texts of the documents listed in its `wanted` file."""

    layout: Layout
    number: int
    documents: Any
    words: int
    chars: int
    read_texts: ReadTexts


@dataclass(frozen=True)
class PairUnit:
    """The pairs of the documents of one shard, in its `pairs` file."""

    layout: Layout
    number: int


def accepted(threshold: float, num_perm: int) -> int:
    """Equal hashes from which on a pair is certain to be at the threshold; num_perm + 1 if no number is enough.

    The upper tail of Binomial(num_perm, threshold), summed exactly from the top.

    >>> accepted(0.8, 112), accepted(0.7, 112), accepted(0.9, 112)
    (111, 105, 113)
    """
    tail, count = 0.0, num_perm + 1
    while count > 0:
        lower = count - 1
        tail += math.comb(num_perm, lower) * threshold**lower * (1 - threshold) ** (num_perm - lower)
        if tail > CERTAIN:
            break
        count = lower
    return count


def considered(threshold: float, num_perm: int) -> int:
    """Equal hashes below which a pair is rejected: the threshold less three standard errors of the estimate.

    >>> considered(0.8, 112)
    77
    """
    error = math.sqrt(threshold * (1 - threshold) / num_perm)
    return max(1, math.ceil(num_perm * (threshold - STANDARD_ERRORS * error)))


def settle(search: Search, edges: NDArray[np.void]) -> NDArray[np.float64]:
    """Similarity of each candidate pair: exact if its texts were read, else the estimate (which is then certain)."""
    layout, near = search.layout, search.near
    similarity = edges["equal"] / layout.num_perm
    open_ = np.flatnonzero(edges["equal"] < accepted(near.threshold, layout.num_perm))
    if len(open_) == 0:
        return similarity
    pairs = edges[open_]
    shards = [number for number, _ in layout.by_shard(_write_wanted(layout, pairs))]
    units = [
        ShingleUnit(layout, n, search.shards[n].documents, near.words, near.chars, search.read_texts)
        for n in shards
    ]
    search.map_units(write_shingles, units)
    by_document = np.argsort(pairs["document"], kind="stable")
    parts = list(layout.by_shard(pairs["document"][by_document]))
    for number, part in parts:
        spill.save(layout.file("pairs", number), pairs[by_document[part]])
    search.map_units(compare_pairs, [PairUnit(layout, number) for number, _ in parts])
    for number, part in parts:
        similarity[open_[by_document[part]]] = spill.load(layout.file("similarities", number))
    return similarity


def _write_wanted(layout: Layout, pairs: NDArray[np.void]) -> NDArray[np.int64]:
    documents = np.unique(np.concatenate([pairs["document"], pairs["twin"]]))
    for number, part in layout.by_shard(documents):
        spill.save(layout.file("wanted", number), documents[part] - layout.starts[number])
    return documents


def write_shingles(unit: ShingleUnit) -> None:
    """Writes the sorted shingle hashes of the wanted documents and where each document's lie."""
    from refinery.text.shingles import shingle_sets

    layout = unit.layout
    rows = np.array(spill.load(layout.file("wanted", unit.number)))
    bounds = [np.zeros(1, np.int64)]
    total = 0
    with spill.replacing(layout.file("shingles", unit.number)) as file:
        for batch in unit.read_texts(unit.documents, rows):
            hashes, limits = shingle_sets(batch, unit.words, unit.chars)
            file.write(hashes.tobytes())
            bounds.append(total + limits[1:])
            total += len(hashes)
    joined = np.concatenate(bounds)
    if len(joined) != len(rows) + 1:
        raise RunError(f"{len(rows)} texts were to be compared, {len(joined) - 1} came; please report this")
    spill.save(layout.file("shingle-bounds", unit.number), joined)


def compare_pairs(unit: PairUnit) -> None:
    """Writes the exact Jaccard similarity, float64, of each of a shard's pairs."""
    layout = unit.layout
    pairs = np.array(spill.load(layout.file("pairs", unit.number)))
    ascending = np.argsort(pairs["twin"], kind="stable")
    found = np.empty(len(pairs))
    sets, bounds, rows = _sets(layout, unit.number)
    own = np.searchsorted(rows, pairs["document"] - layout.starts[unit.number])
    for number, part in layout.by_shard(pairs["twin"][ascending]):
        twin_sets, twin_bounds, twin_rows = _sets(layout, number)
        here = ascending[part]
        twins = np.searchsorted(twin_rows, pairs["twin"][here] - layout.starts[number])
        found[here] = jaccard(sets, bounds, own[here], twin_sets, twin_bounds, twins)
    spill.save(layout.file("similarities", unit.number), found)


def _sets(layout: Layout, number: int) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    hashes = spill.load_raw(layout.file("shingles", number), np.uint64).view(np.ndarray)
    hashes.flags.writeable = False  # so that the kernel has one type for maps and for empty arrays
    bounds, rows = (np.array(spill.load(layout.file(kind, number))) for kind in ("shingle-bounds", "wanted"))
    return hashes, bounds, rows


@njit(cache=True, nogil=True)
def jaccard(sets, bounds, indices, twin_sets, twin_bounds, twin_indices):  # type: ignore[no-untyped-def]
    """float64: |A & B| / |A | B| of pair i, sorted sets indices[i] of the first and twin_indices[i] of the second."""
    found = np.zeros(indices.shape[0], np.float64)
    for pair in range(indices.shape[0]):
        a, a_end = bounds[indices[pair]], bounds[indices[pair] + 1]
        b, b_end = twin_bounds[twin_indices[pair]], twin_bounds[twin_indices[pair] + 1]
        total = a_end - a + b_end - b
        both = 0
        while a < a_end and b < b_end:
            x, y = sets[a], twin_sets[b]
            both += x == y
            a += x <= y
            b += y <= x
        if total > both:
            found[pair] = both / (total - both)
    return found
