"""What becomes of copies, once it is known what became of the documents that stood for them.

A stretch sends requests to the stretches of those documents; the answers are the kept documents for which they went.
Copies of a signature are compared with the document that stood for them if it was kept, else with the one for which
that went; those that are not near enough, with the preferred among themselves. Copies of a key text share the fate of
the one they copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.dedup import groups, spill
from refinery.dedup.candidates import edge_dtype
from refinery.dedup.layout import Layout, Piece, preferred_order, read_entries, starts_of
from refinery.dedup.spill import PAIR
from refinery.dedup.verify import near_dtype
from refinery.storage.place import Place

REQUEST = np.dtype([("document", np.int64), ("stretch", np.int64)])  # for a document, by a stretch
FATE = np.dtype([("document", np.int64), ("twin", np.int64), ("equal", np.int16), ("similarity", np.float64)])
RESULT = np.dtype(
    [("document", np.int64), ("twin", np.int64), ("near", np.bool_), ("similarity", np.float32)]
)
CLUSTER = np.dtype([("twin", np.int64), ("source", np.int64), ("count", np.int64)])


@dataclass(frozen=True)
class CopiesUnit:
    """One stretch: its copies of the kinds named, each found in `ranges` ranges."""

    layout: Layout
    number: int
    kinds: tuple[str, ...]
    ranges: int


@dataclass(frozen=True)
class FateUnit:
    """One stretch, which answers all; removed: the kinds of file, and their numbers, where removed documents are."""

    layout: Layout
    number: int
    kind: str
    removed: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class AlikeUnit:
    """One stretch: its copies of signatures; edges are cut into `parts`."""

    layout: Layout
    number: int
    parts: int


@dataclass(frozen=True)
class RestUnit:
    """One stretch: its copies that are far from the document that stood for them, in `files` files of far edges."""

    layout: Layout
    number: int
    pieces: tuple[Piece, ...]
    files: int
    parts: int


@dataclass(frozen=True)
class LeadUnit:
    """One part of those copies, by the document that stood for them."""

    layout: Layout
    number: int
    parts: int


@dataclass(frozen=True)
class RemovedUnit:
    """One stretch: lists its removed documents in `place`; removed: as in FateUnit; clusters are cut into `parts`."""

    layout: Layout
    number: int
    pieces: tuple[Piece, ...]
    removed: tuple[tuple[str, int], ...]
    place: Place
    parts: int


@dataclass(frozen=True)
class GuardUnit:
    """One part of the clusters; limits: of each source, the documents that one may remove of it."""

    layout: Layout
    number: int
    parts: int
    limits: tuple[float, ...]


def write_copies(unit: CopiesUnit) -> int:
    """Writes a stretch's pairs of each kind, and requests the fates of the preferred ones; gives the alike pairs."""
    layout = unit.layout
    exact, alike = (
        groups.pairs_of(layout, kind, unit.ranges, unit.number) if kind in unit.kinds else np.empty(0, PAIR)
        for kind in ("exact", "alike")
    )
    found, _ = groups.look_up(exact["document"], alike["document"])
    alike = alike[~found]
    for kind, pairs in (("exact", exact), ("alike", alike)):
        spill.save(layout.file(f"{kind}-pairs", unit.number), pairs)
        leads = np.unique(pairs["twin"][pairs["document"] >= layout.frozen])
        leads = leads[leads >= layout.frozen]  # frozen documents are kept
        requests = np.empty(len(leads), REQUEST)
        requests["document"], requests["stretch"] = leads, unit.number
        spill.write_cut(
            layout.file(f"{kind}-requests", unit.number), requests, layout.stretch_of(leads), layout.stretches
        )
    return int((alike["document"] >= layout.frozen).sum())


def answer_requests(unit: FateUnit) -> None:
    """Writes what became of the stretch's removed documents that others asked for, cut by who did."""
    layout = unit.layout
    removed = removed_of(layout, unit.removed, unit.number)
    requests = spill.read_cut(
        layout.files(f"{unit.kind}-requests", layout.stretches), REQUEST, layout.stretches, unit.number
    )
    found, at = groups.look_up(removed["document"], requests["document"])
    fates = np.empty(int(found.sum()), FATE)
    for name in FATE.names or ():
        fates[name] = removed[name][at[found]]
    place = layout.file(f"{unit.kind}-fates", unit.number)
    spill.write_cut(place, fates, requests["stretch"][found], layout.stretches)


def removed_of(layout: Layout, kinds: tuple[tuple[str, int], ...], stretch: int) -> NDArray[Any]:
    """A stretch's removed documents from files of these kinds and numbers, ascending."""
    dtype = near_dtype(layout)
    found = [
        spill.read_cut(layout.files(kind, count), dtype, layout.stretches, stretch) for kind, count in kinds
    ]
    removed = np.concatenate([np.empty(0, dtype), *found])
    return removed[np.argsort(removed["document"])]


def _fates(layout: Layout, kind: str, stretch: int) -> NDArray[Any]:
    fates = spill.read_cut(layout.files(f"{kind}-fates", layout.stretches), FATE, layout.stretches, stretch)
    return fates[np.argsort(fates["document"])]


def write_alike(unit: AlikeUnit) -> None:
    """Writes an edge from each copy of a signature to the kept document that it is compared with."""
    layout = unit.layout
    pairs = spill.load(layout.file("alike-pairs", unit.number), PAIR)
    pairs = pairs[pairs["document"] >= layout.frozen]
    fates = _fates(layout, "alike", unit.number)
    edges = np.zeros(len(pairs), edge_dtype(layout))
    edges["document"], edges["twin"], edges["equal"] = pairs["document"], pairs["twin"], layout.num_perm
    gone, at = groups.look_up(fates["document"], pairs["twin"])
    for name in ("twin", "equal"):
        edges[name][gone] = fates[name][at[gone]]
    numbers = spill.part_of(spill.scattered(edges["document"]), unit.parts)
    spill.write_cut(layout.file("copies", unit.number), edges, numbers, unit.parts)


def write_rest(unit: RestUnit) -> None:
    """Writes the copies that are left, with the document that stood for them and preferences, cut by the former."""
    layout = unit.layout
    far = removed_of(layout, (("copies-far", unit.files),), unit.number)
    pairs = spill.load(layout.file("alike-pairs", unit.number), PAIR)
    _, prefer = read_entries(layout, unit.pieces)
    _, at = groups.look_up(pairs["document"], far["document"])
    rest = np.empty(len(far), _rest_dtype(layout))
    rest["document"], rest["twin"] = far["document"], pairs["twin"][at]
    rest["prefer"] = prefer[far["document"] - unit.pieces[0].document]
    numbers = spill.part_of(spill.scattered(rest["twin"]), unit.parts)
    spill.write_cut(layout.file("rest", unit.number), rest, numbers, unit.parts)


def _rest_dtype(layout: Layout) -> np.dtype[Any]:
    return layout.with_preferences(("document", np.int64), ("twin", np.int64))


def write_leads(unit: LeadUnit) -> None:
    """Writes an edge from each copy that is left to the preferred one of those with its signature."""
    layout = unit.layout
    rest = spill.read_cut(
        layout.files("rest", layout.stretches), _rest_dtype(layout), unit.parts, unit.number
    )
    rest = rest[preferred_order(rest, rest["twin"])]
    leads = starts_of(rest["twin"])
    edges = np.zeros(int((~leads).sum()), edge_dtype(layout))
    edges["document"], edges["equal"] = rest["document"][~leads], layout.num_perm
    edges["twin"] = rest["document"][leads][np.cumsum(leads) - 1][~leads]
    numbers = spill.part_of(spill.scattered(edges["document"]), unit.parts)
    spill.write_cut(layout.file("others", unit.number), edges, numbers, unit.parts)


def write_removed(unit: RemovedUnit) -> int:
    """Joins a stretch's exact and near duplicates; a twin that went itself gives way to the one it went for.

    Writes them, ascending, and how many of each source each document removes as near, cut by the document; gives
    their number.
    """
    layout = unit.layout
    near = removed_of(layout, unit.removed, unit.number)
    exact = spill.load(layout.file("exact-pairs", unit.number), PAIR)
    exact = exact[exact["document"] >= layout.frozen]
    copies = np.empty(len(exact), RESULT)
    copies["document"], copies["twin"], copies["similarity"] = exact["document"], exact["twin"], 1.0
    copies["near"] = False
    if unit.removed:
        fates = _fates(layout, "exact", unit.number)
        gone, at = groups.look_up(fates["document"], exact["twin"])
        copies["near"] = gone
        for name in ("twin", "similarity"):
            copies[name][gone] = fates[name][at[gone]]
    own = np.empty(len(near), RESULT)
    for name in ("document", "twin", "similarity"):
        own[name] = near[name]
    own["near"] = True
    joined = np.concatenate([copies, own])
    spill.save(unit.place, joined[np.argsort(joined["document"])])
    starts = np.array([piece.document for piece in unit.pieces])
    sources = np.array([piece.source for piece in unit.pieces])
    source = sources[np.searchsorted(starts, near["document"], "right") - 1]
    clusters = np.ones(len(near), CLUSTER)
    clusters["twin"], clusters["source"] = near["twin"], source
    clusters = _summed(clusters)
    numbers = spill.part_of(spill.scattered(clusters["twin"]), unit.parts)
    spill.write_cut(layout.file("clusters", unit.number), clusters, numbers, unit.parts)
    return len(joined)


def _summed(clusters: NDArray[Any]) -> NDArray[Any]:
    clusters = clusters[np.lexsort((clusters["source"], clusters["twin"]))]
    starts = np.flatnonzero(starts_of(clusters["twin"], clusters["source"]))
    summed = clusters[starts]
    if len(starts):
        summed["count"] = np.add.reduceat(clusters["count"], starts)
    return summed


def too_large(unit: GuardUnit) -> tuple[int, int, int] | None:
    """The first document, the source and the number it removes of it, where that is more than may be."""
    layout = unit.layout
    files = layout.files("clusters", layout.stretches)
    clusters = _summed(spill.read_cut(files, CLUSTER, unit.parts, unit.number))
    above = clusters[clusters["count"] > np.array(unit.limits, np.float64)[clusters["source"]]]
    return (*above[0].tolist(),) if len(above) else None
