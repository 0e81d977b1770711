"""Connected components of the near-duplicate graph, by spanning forests that are reduced in a tree.

A unit makes a forest of a group of edge files: (document, root) for each of its documents, the root being the least
document of the component there. Units merge forests two by two until one is left, which labels every document that
has a near twin. The last merge is the one place of a dedup whose memory grows with the corpus: 24 bytes a document
that has a near twin, at its peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.dedup.layout import Layout
from refinery.dedup.spill import PAIR
from refinery.dedup.verify import Settled, near_dtype
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

BLOCK_RECORDS = 1 << 20  # of a forest that are written and read at a time
MERGE_BYTES = 24  # for each document of two forests that are merged


@dataclass(frozen=True)
class ForestUnit:
    """A group of edge files start:stop, of which the forest is made."""

    layout: Layout
    kind: str
    number: int
    start: int
    stop: int


@dataclass(frozen=True)
class MergeUnit:
    """Two forests that become one."""

    first: Place
    second: Place
    target: Place


@dataclass(frozen=True)
class LabelUnit:
    """The last forest, whose labels are cut by group of edge files; `bounds`: the first file of each, and the end."""

    layout: Layout
    forest: Place
    files: int
    bounds: tuple[int, ...]


def groups_of(settled: Settled, layout: Layout) -> tuple[int, ...]:
    """Cuts the files of edges into groups of about range_bytes: the first file of each, and the end."""
    size = near_dtype(layout).itemsize
    filled = np.cumsum(np.array(settled.counts, np.int64) * size) // max(layout.range_bytes, size)
    starts = np.flatnonzero(np.diff(filled, prepend=-1) > 0)
    return tuple(sorted({0, *starts.tolist(), settled.parts}))


def label_components(layout: Layout, settled: Settled, bounds: tuple[int, ...], map_units: MapUnits) -> None:
    """Writes kind `labels`: (document, root of its component), cut by group."""
    layout.open("forest", "labels")
    groups = len(bounds) - 1
    forests = [ForestUnit(layout, settled.near, n, bounds[n], bounds[n + 1]) for n in range(groups)]
    sizes = map_units("dedup forests", write_forest, forests)
    left, made = layout.files("forest", groups), groups
    while len(left) > 1:
        merges = [
            MergeUnit(first, second, layout.file("forest", made + n))
            for n, (first, second) in enumerate(zip(left[::2], left[1::2], strict=False))
        ]
        largest = max(one + other for one, other in zip(sizes[::2], sizes[1::2], strict=False))
        merged = map_units("dedup merge forests", merge_forests, merges, memory=MERGE_BYTES * largest)
        made += len(merges)
        left = [*(merge.target for merge in merges), *left[2 * len(merges) :]]
        sizes = [*merged, *sizes[2 * len(merges) :]]
    for forest in left:
        map_units("dedup labels", write_labels, [LabelUnit(layout, forest, settled.parts, bounds)])
    layout.remove("forest")


def write_forest(unit: ForestUnit) -> int:
    """Writes (document, root) of every document of the group's edges, ascending; gives their number."""
    layout = unit.layout
    found = [np.empty(0, near_dtype(layout))]
    files = (layout.file(unit.kind, n) for n in range(unit.start, unit.stop))
    found += [spill.read_whole(place, found[0].dtype, layout.stretches) for place in files]
    edges = np.concatenate(found)[["document", "twin"]]
    del found
    nodes = np.unique(np.concatenate([edges["document"], edges["twin"]]))
    parent = np.arange(len(nodes))
    unite(parent, np.searchsorted(nodes, edges["document"]), np.searchsorted(nodes, edges["twin"]))
    del edges
    _write(layout.file("forest", unit.number), nodes, parent)
    return len(nodes)


def merge_forests(unit: MergeUnit) -> int:
    """Writes the forest of two; gives its documents. Memory: MERGE_BYTES each, and 16 after the first steps."""
    forests = [unit.first, unit.second]
    nodes = np.empty(spill.cut_size(forests, 1, 0), np.int64)
    at = 0
    for block in spill.each_cut(forests, PAIR, 1, 0):
        nodes[at : at + len(block)] = block["document"]
        at += len(block)
    nodes.sort()
    nodes = nodes[: drop_repeats(nodes)].copy()
    parent = np.arange(len(nodes))
    for block in spill.each_cut(forests, PAIR, 1, 0):
        unite(parent, np.searchsorted(nodes, block["document"]), np.searchsorted(nodes, block["twin"]))
    _write(unit.target, nodes, parent)
    return len(nodes)


def _write(place: Place, nodes: NDArray[np.int64], parent: NDArray[np.int64]) -> None:
    flatten(parent)
    with spill.CutWriter(place, PAIR, 1, BLOCK_RECORDS * PAIR.itemsize) as writer:
        for start in range(0, len(nodes), BLOCK_RECORDS):
            block = slice(start, start + BLOCK_RECORDS)
            pairs = np.empty(len(nodes[block]), PAIR)
            pairs["document"], pairs["twin"] = nodes[block], nodes[parent[block]]
            writer.write(pairs, np.zeros(len(pairs), np.int64))


def write_labels(unit: LabelUnit) -> None:
    """Cuts the labels by the group of edge files that each document's edges are in."""
    layout, starts = unit.layout, np.array(unit.bounds)
    place = layout.file("labels", 0)
    with spill.CutWriter(place, PAIR, len(starts) - 1, layout.range_bytes) as writer:
        for block in spill.each_cut([unit.forest], PAIR, 1, 0):
            files = spill.part_of(spill.scattered(block["document"]), unit.files)
            writer.write(block, np.searchsorted(starts, files, "right") - 1)


def labels_of(layout: Layout, groups: int, group: int) -> NDArray[Any]:
    """The labels of a group's documents, ascending by document."""
    labels = spill.read_cut(layout.files("labels", 1), PAIR, groups, group)
    return labels[np.argsort(labels["document"])]


@njit(cache=True, nogil=True)
def unite(parent, one, other):  # type: ignore[no-untyped-def]
    """Joins the trees of one[i] and other[i] under the lesser root, with path halving."""
    for i in range(one.shape[0]):
        a, b = one[i], other[i]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a < b:
            parent[b] = a
        else:
            parent[a] = b


@njit(cache=True, nogil=True)
def flatten(parent):  # type: ignore[no-untyped-def]
    """Makes every parent a root; parents are never greater than their children."""
    for i in range(parent.shape[0]):
        parent[i] = parent[parent[i]]


@njit(cache=True, nogil=True)
def drop_repeats(values):  # type: ignore[no-untyped-def]
    """Moves the distinct ones of sorted values to the front; gives their number."""
    kept = 0
    for i in range(values.shape[0]):
        if i == 0 or values[i] != values[i - 1]:
            values[kept] = values[i]
            kept += 1
    return kept
