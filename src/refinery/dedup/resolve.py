"""Who is removed: in order of preference, a document goes if a kept one preferred to it is near enough.

Every removed document so has a kept twin at the threshold or above, whatever chains or footers join the others, and
of the kept ones no candidate pair is at the threshold. What becomes of a document depends on its component alone, so
components are resolved by range; a unit holds whole components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import components, groups, spill
from refinery.dedup.layout import Layout
from refinery.dedup.verify import Settled, near_dtype
from refinery.shuffle.units import MapUnits


@dataclass(frozen=True)
class ClusterUnit:
    """A group start:stop of edge files, whose edges are cut by component; `groups` of them are there."""

    layout: Layout
    kind: str
    number: int
    start: int
    stop: int
    groups: int
    ranges: int


@dataclass(frozen=True)
class ResolveUnit:
    """A range of components; their edges are in the files of `groups` units."""

    layout: Layout
    number: int
    groups: int
    ranges: int


def resolve(layout: Layout, settled: Settled, map_units: MapUnits) -> int:
    """Writes kind `resolved`, the removed documents cut by stretch, and gives the number of its files."""
    bounds = components.groups_of(settled, layout)
    components.label_components(layout, settled, bounds, map_units)
    layout.open("clustered", "resolved")
    count = len(bounds) - 1
    ranges = spill.part_count(sum(settled.counts), near_dtype(layout), layout.range_bytes)
    clusters = [
        ClusterUnit(layout, settled.near, n, bounds[n], bounds[n + 1], count, ranges) for n in range(count)
    ]
    map_units("dedup components", write_clustered, clusters)
    layout.remove(settled.near, "labels")
    units = [ResolveUnit(layout, n, count, ranges) for n in range(ranges)]
    map_units("dedup resolve", resolve_range, units)
    layout.remove("clustered")
    return ranges


def write_clustered(unit: ClusterUnit) -> None:
    """Cuts the group's edges by the root of their component."""
    layout = unit.layout
    labels = components.labels_of(layout, unit.groups, unit.number)
    place = layout.file("clustered", unit.number)
    with spill.CutWriter(place, near_dtype(layout), unit.ranges, layout.range_bytes) as writer:
        for number in range(unit.start, unit.stop):
            edges = spill.read_whole(layout.file(unit.kind, number), near_dtype(layout), layout.stretches)
            _, at = groups.look_up(labels["document"], edges["document"])
            roots = labels["twin"][at]
            writer.write(edges, spill.part_of(spill.scattered(roots), unit.ranges))


def resolve_range(unit: ResolveUnit) -> None:
    """Writes the removed documents of a range of components, each with the twin for which it goes, cut by stretch."""
    layout = unit.layout
    files = layout.files("clustered", unit.groups)
    edges = spill.read_cut(files, near_dtype(layout), unit.ranges, unit.number)
    removed = chosen_edges(edges)
    place = layout.file("resolved", unit.number)
    spill.write_cut(place, removed, layout.stretch_of(removed["document"]), layout.stretches)


def chosen_edges(edges: NDArray[Any]) -> NDArray[Any]:
    """For each removed document, ascending, the edge to the most similar kept document that is preferred to it."""
    nodes, ends = np.unique(np.concatenate([edges["document"], edges["twin"]]), return_inverse=True)
    own, twins = ends[: len(edges)], ends[len(edges) :]
    prefer = np.empty((len(nodes), edges["prefer"].shape[1]))
    prefer[twins] = edges["prefer"]
    last = np.ones(len(nodes), np.bool_)  # who is nobody's twin can be decided after all others
    last[twins] = False
    prefer[last] = 0.0
    order = np.lexsort((nodes, *prefer.T[::-1], last))
    place = np.empty(len(nodes), np.int64)
    place[order] = np.arange(len(nodes))
    documents, twins = place[own], place[twins]
    by_document = np.lexsort((twins, -edges["similarity"], documents))
    bounds = np.searchsorted(documents[by_document], np.arange(len(nodes) + 1))
    chosen = np.full(len(nodes), -1, np.int64)
    greedy(bounds, twins[by_document], chosen)
    removed = edges[by_document[chosen[chosen >= 0]]]
    return removed[np.argsort(removed["document"])]


@njit(cache=True, nogil=True)
def greedy(bounds, twins, chosen):  # type: ignore[no-untyped-def]
    """Sets chosen[i] to the index of the edge for which document i goes, and leaves -1 if it is kept.

    Documents are numbered in order of preference; document i has the edges bounds[i]:bounds[i + 1], the most similar
    twin first.
    """
    for document in range(bounds.shape[0] - 1):
        for edge in range(bounds[document], bounds[document + 1]):
            if chosen[twins[edge]] < 0:
                chosen[document] = edge
                break
