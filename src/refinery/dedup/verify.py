"""What settles a candidate pair: the number of equal hashes where that is certain, else the texts.

An estimate above the threshold is not enough to remove a document: one with thousands of candidates just below the
threshold has thousands of chances to be overestimated. So a pair is accepted by its signatures only when that many
equal hashes occur in a pair at the threshold with probability CERTAIN or less. It is rejected when its estimate
lies three standard errors below the threshold, which loses one pair in a thousand of those at the threshold.
All others are settled by the exact Jaccard similarity of their shingles, for which their texts are read again.

The units: a part of the edges makes them unique and asks the stretches for texts; a stretch reads its texts once and
answers with sets of shingles; a finer part of the edges compares. Disk: 8 bytes a shingle, for each document of each
part that compares it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.dedup.candidates import edge_dtype, unique_edges
from refinery.dedup.layout import Layout, Near, Piece, ReadTexts, starts_of
from refinery.errors import RunError
from refinery.shuffle.units import MapUnits

CERTAIN = 1e-9
STANDARD_ERRORS = 3.0
CHANCE = 1 / 256  # that two different hashes agree in the 8 bits that are compared
SET_BYTES = 1 << 13  # of a document's shingles, as they are expected when parts are cut

WANTED = np.dtype([("document", np.int64), ("part", np.int64)])
WORD = np.dtype(np.uint64)


@dataclass(frozen=True)
class Search:
    """What near-duplicate search needs; `stretches` are the pieces of each stretch."""

    layout: Layout
    stretches: list[tuple[Piece, ...]]
    near: Near
    map_units: MapUnits
    read_texts: ReadTexts


@dataclass(frozen=True)
class EdgeUnit:
    """A part of the edges in the files `kind` of `files` units; a pair with `accepted` equal hashes is settled."""

    layout: Layout
    kind: str
    number: int
    files: int
    parts: int
    accepted: int
    finer: int = 1  # parts into which this one is cut


@dataclass(frozen=True)
class TextUnit:
    """A stretch: reads the texts that are wanted of it by `files` units, for `parts` that compare."""

    layout: Layout
    kind: str
    number: int
    pieces: tuple[Piece, ...]
    files: int
    parts: int
    words: int
    chars: int
    read_texts: ReadTexts


@dataclass(frozen=True)
class PairUnit:
    """A part of the edges; `finer` of them are in one file; sets of shingles are there when `texts`."""

    layout: Layout
    kind: str
    number: int
    parts: int
    finer: int
    accepted: int
    threshold: float
    texts: bool


@dataclass(frozen=True)
class Settled:
    """Edges of kind `near` in files of `parts` units, cut by stretch, of each the number; edges of kind `far` too."""

    near: str
    far: str
    parts: int
    counts: tuple[int, ...]
    far_count: int


def near_dtype(layout: Layout) -> np.dtype[Any]:
    """A document, one preferred to it, their equal hashes and similarity, and the preferences of the latter."""
    fields = ("document", np.int64), ("twin", np.int64), ("equal", np.int16), ("similarity", np.float64)
    return layout.with_preferences(*fields)


def agreement(similarity: float) -> float:
    """Probability that a hash of two documents agrees in 8 bits: s + (1 - s) / 256."""
    return similarity + (1 - similarity) * CHANCE


def estimate(equal: NDArray[np.int16], num_perm: int) -> NDArray[np.float64]:
    """Similarity from the number of hashes that agree in 8 bits, float64; 1 when all do."""
    found: NDArray[np.float64] = np.maximum((equal / num_perm - CHANCE) / (1 - CHANCE), 0.0)
    return found


def accepted(threshold: float, num_perm: int) -> int:
    """Equal hashes from which on a pair is certain to be at the threshold; num_perm + 1 if no number is enough.

    The upper tail of Binomial(num_perm, agreement(threshold)), summed exactly from the top.

    >>> accepted(0.8, 112), accepted(0.7, 112), accepted(0.9, 112)
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


def considered(threshold: float, num_perm: int) -> int:
    """Equal hashes below which a pair is rejected: those of the threshold less three standard errors.

    >>> considered(0.8, 112)
    78
    """
    chance = agreement(threshold)
    error = math.sqrt(chance * (1 - chance) / num_perm)
    return max(1, math.ceil(num_perm * (chance - STANDARD_ERRORS * error)))


def settle(search: Search, kind: str, files: int, parts: int, *, name: str) -> Settled:
    """Splits edges in `files` files of this kind, cut into `parts`, into near and far ones; removes those files."""
    layout, near = search.layout, search.near
    least = accepted(near.threshold, layout.num_perm)
    unique, pairs, wanted, sets, found, far = (
        f"{kind}-{what}" for what in ("unique", "pairs", "wanted", "sets", "near", "far")
    )
    layout.open(unique, pairs, wanted, sets, found, far)
    units = [EdgeUnit(layout, kind, n, files, parts, least) for n in range(parts)]
    still_open = sum(search.map_units(f"{name} unique pairs", write_unique, units))
    layout.remove(kind)
    finer = -(-still_open * 2 * SET_BYTES // (layout.range_bytes * parts)) or 1
    units = [EdgeUnit(layout, kind, n, files, parts, least, finer) for n in range(parts)]
    search.map_units(f"{name} wanted texts", write_wanted, units)
    layout.remove(unique)
    if still_open:
        texts = [
            TextUnit(
                layout, kind, n, stretch, parts, parts * finer, near.words, near.chars, search.read_texts
            )
            for n, stretch in enumerate(search.stretches)
        ]
        search.map_units(f"{name} texts", write_sets, texts)
    layout.remove(wanted)
    all_parts = parts * finer
    last = [
        PairUnit(layout, kind, n, all_parts, finer, least, near.threshold, still_open > 0)
        for n in range(all_parts)
    ]
    counts = search.map_units(f"{name} compare", compare_pairs, last)
    layout.remove(pairs, sets)
    return Settled(found, far, all_parts, tuple(n for n, _ in counts), sum(n for _, n in counts))


def write_unique(unit: EdgeUnit) -> int:
    """Writes the part's edges, each once; gives the number of those that need their texts."""
    layout = unit.layout
    places = layout.files(unit.kind, unit.files)
    edges = unique_edges(spill.read_cut(places, edge_dtype(layout), unit.parts, unit.number))
    spill.save(layout.file(f"{unit.kind}-unique", unit.number), edges)
    return int((edges["equal"] < unit.accepted).sum())


def write_wanted(unit: EdgeUnit) -> None:
    """Cuts the part's edges into finer parts, and writes which documents these want, cut by stretch."""
    layout = unit.layout
    edges = spill.load(layout.file(f"{unit.kind}-unique", unit.number), edge_dtype(layout))
    numbers = spill.part_of(spill.scattered(edges["document"]), unit.parts * unit.finer)
    own = numbers - unit.number * unit.finer
    spill.write_cut(layout.file(f"{unit.kind}-pairs", unit.number), edges, own, unit.finer)
    here = edges["equal"] < unit.accepted
    wanted = np.empty(2 * int(here.sum()), WANTED)
    wanted["document"] = np.concatenate([edges["document"][here], edges["twin"][here]])
    wanted["part"] = np.tile(numbers[here], 2)
    wanted = wanted[np.lexsort((wanted["part"], wanted["document"]))]
    wanted = wanted[starts_of(wanted["document"], wanted["part"])]
    place = layout.file(f"{unit.kind}-wanted", unit.number)
    spill.write_cut(place, wanted, layout.stretch_of(wanted["document"]), layout.stretches)


def write_sets(unit: TextUnit) -> None:
    """Writes the shingle sets of the wanted documents as words: document, size, hashes; cut by who wants them."""
    from refinery.text.shingles import shingle_sets

    layout = unit.layout
    places = layout.files(f"{unit.kind}-wanted", unit.files)
    wanted = spill.read_cut(places, WANTED, layout.stretches, unit.number)
    wanted = wanted[np.argsort(wanted["document"], kind="stable")]
    place = layout.file(f"{unit.kind}-sets", unit.number)
    with spill.CutWriter(place, WORD, unit.parts, layout.range_bytes) as writer:
        for piece in unit.pieces:
            stop = piece.document + piece.stop - piece.start
            low, high = np.searchsorted(wanted["document"], [piece.document, stop])
            documents = np.unique(wanted["document"][low:high])
            if len(documents) == 0:
                continue
            done = 0
            rows = documents - piece.document + piece.start
            for batch in unit.read_texts(piece.shard.documents, rows):
                hashes, bounds = shingle_sets(batch, unit.words, unit.chars)
                here = documents[done : done + len(batch)]
                if len(here) < len(batch):
                    raise RunError(_other_texts(len(rows), done + len(batch)))
                done += len(batch)
                if len(batch) == 0:
                    continue
                low, high = np.searchsorted(wanted["document"], [here[0], here[-1] + 1])
                asked = wanted[low:high]
                index = np.searchsorted(here, asked["document"])
                sizes = np.diff(bounds)[index] + 2
                words = np.empty(int(sizes.sum()), np.uint64)
                pack(here, index, hashes, bounds, words)
                writer.write(words, np.repeat(asked["part"], sizes))
            if done != len(rows):
                raise RunError(_other_texts(len(rows), done))


def _other_texts(wanted: int, came: int) -> str:
    return f"{wanted} texts were to be compared, {came} came; please report this"


def compare_pairs(unit: PairUnit) -> tuple[int, int]:
    """Writes the part's edges with their similarity, cut by stretch, near ones and far ones; gives their numbers."""
    layout = unit.layout
    place = layout.file(f"{unit.kind}-pairs", unit.number // unit.finer)
    dtype = edge_dtype(layout)
    edges = spill.read_cut([place], dtype, unit.finer, unit.number % unit.finer)
    edges = edges[np.lexsort((edges["twin"], edges["document"]))]
    similarity = estimate(edges["equal"], layout.num_perm)
    still_open = np.flatnonzero(edges["equal"] < unit.accepted)
    if unit.texts and len(still_open):
        places = layout.files(f"{unit.kind}-sets", layout.stretches)
        size = spill.cut_size(places, unit.parts, unit.number) * WORD.itemsize
        # longer texts than were expected are compared a share of the pairs at a time
        for chosen in np.array_split(still_open, -(-size // (2 * layout.range_bytes)) or 1):
            similarity[chosen] = _exact(unit, edges[chosen])
    found = np.empty(len(edges), near_dtype(layout))
    for name in dtype.names or ():
        found[name] = edges[name]
    found["similarity"] = similarity
    is_near = similarity >= unit.threshold
    for what, here in (("near", found[is_near]), ("far", found[~is_near])):
        place = layout.file(f"{unit.kind}-{what}", unit.number)
        spill.write_cut(place, here, layout.stretch_of(here["document"]), layout.stretches)
    return int(is_near.sum()), int((~is_near).sum())


def _exact(unit: PairUnit, edges: NDArray[Any]) -> NDArray[np.float64]:
    """Jaccard similarity of each edge, from the sets of shingles of its part."""
    layout = unit.layout
    needed = np.unique(np.concatenate([edges["document"], edges["twin"]]))
    words, starts, stops = (
        [np.empty(0, np.uint64)],
        np.zeros(len(needed), np.int64),
        np.zeros(len(needed), np.int64),
    )
    size = 0
    places = layout.files(f"{unit.kind}-sets", layout.stretches)
    for piece in spill.each_cut(places, WORD, unit.parts, unit.number):
        kept = take(piece, needed, starts, stops, size)
        words.append(piece[:kept].copy())
        size += kept
    missing = int((starts == 0).sum())
    if missing:
        raise RunError(_other_texts(len(needed), len(needed) - missing))
    one, other = (np.searchsorted(needed, edges[name]) for name in ("document", "twin"))
    return jaccard(np.concatenate(words), starts, stops, one, other)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def pack(documents, index, hashes, bounds, words):  # type: ignore[no-untyped-def]
    """Writes, for each i in index, documents[i], the size of its set and the set, one after the other."""
    at = 0
    for i in index:
        size = bounds[i + 1] - bounds[i]
        words[at], words[at + 1] = documents[i], size
        words[at + 2 : at + 2 + size] = hashes[bounds[i] : bounds[i + 1]]
        at += 2 + size


@njit(cache=True, nogil=True)
def take(words, needed, starts, stops, base):  # type: ignore[no-untyped-def]
    """Moves the needed documents' sets to the front of `words`, and notes where they are; gives the words kept."""
    at = kept = np.int64(0)
    while at < words.shape[0]:
        document, size = np.int64(words[at]), np.int64(words[at + 1])
        index = np.searchsorted(needed, document)
        if index < needed.shape[0] and needed[index] == document:
            for offset in range(size + 2):
                words[kept + offset] = words[at + offset]
            starts[index], stops[index] = base + kept + 2, base + kept + 2 + size
            kept += size + 2
        at += size + 2
    return kept


@njit(cache=True, nogil=True)
def jaccard(sets, starts, stops, indices, twin_indices):  # type: ignore[no-untyped-def]
    """float64: |A & B| / |A | B| of sets indices[i] and twin_indices[i]; set j is sets[starts[j]:stops[j]]."""
    found = np.zeros(indices.shape[0], np.float64)
    for pair in range(indices.shape[0]):
        a, a_end = starts[indices[pair]], stops[indices[pair]]
        b, b_end = starts[twin_indices[pair]], stops[twin_indices[pair]]
        total = a_end - a + b_end - b
        both = 0
        while a < a_end and b < b_end:
            x, y = sets[a], sets[b]
            both += x == y
            a += x <= y
            b += y <= x
        if total > both:
            found[pair] = both / (total - both)
    return found
