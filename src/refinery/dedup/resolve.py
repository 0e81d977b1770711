"""Who is removed: in order of preference, a document goes if a kept one preferred to it is near enough.

Every removed document so has a kept twin at the threshold or above, whatever chains or footers join the others, and
of the kept ones no candidate pair is at the threshold. Memory, in one place: 48 bytes an edge at the threshold.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.dedup import layout as places
from refinery.dedup.buckets import EDGE
from refinery.dedup.verify import Search, settle

REMOVED = np.dtype(
    [("document", np.int64), ("twin", np.int64), ("equal", np.int16), ("similarity", np.float32)]
)


def resolve(search: Search, edges: NDArray[np.void]) -> NDArray[np.void]:
    """Removed documents, ascending, from candidate edges that lead to a preferred document."""
    layout = search.layout
    similarity = settle(search, edges)
    near = similarity >= search.near.threshold
    edges, similarity = edges[near], similarity[near]
    nodes, ends = np.unique(np.concatenate([edges["document"], edges["twin"]]), return_inverse=True)
    order = places.preferred_order(layout, nodes)
    place = np.empty(len(nodes), np.int64)
    place[order] = np.arange(len(nodes))
    documents, twins = place[ends[: len(edges)]], place[ends[len(edges) :]]
    by_document = np.lexsort((twins, -similarity, documents))
    bounds = np.searchsorted(documents[by_document], np.arange(len(nodes) + 1))
    chosen = np.full(len(nodes), -1, np.int64)
    greedy(bounds, twins[by_document], chosen)
    return _removed(edges, similarity, by_document[chosen[chosen >= 0]])


def remove_alike(search: Search, alike: NDArray[np.void], removed: NDArray[np.void]) -> NDArray[np.void]:
    """Removed documents among those that have one signature with a preferred document, which stood for them.

    alike: pairs (document, the preferred document of its signature); removed: what became of the preferred ones.
    Each is compared with that document if it was kept, else with the one it was removed for; those that are not
    near enough to that, with the preferred among themselves.
    """
    layout = search.layout
    edges = np.empty(len(alike), EDGE)
    edges["document"], edges["twin"], edges["equal"] = alike["document"], alike["twin"], layout.num_perm
    if len(removed):
        found = np.minimum(np.searchsorted(removed["document"], alike["twin"]), len(removed) - 1)
        gone = removed["document"][found] == alike["twin"]
        edges["twin"][gone], edges["equal"][gone] = (
            removed["twin"][found[gone]],
            removed["equal"][found[gone]],
        )
    first, left = _settle_each(search, edges)
    if not left.any():
        return first
    order = places.preferred_order(layout, alike["document"][left], alike["twin"][left])
    rest = alike[left][order]
    leads = np.concatenate([[True], rest["twin"][1:] != rest["twin"][:-1]])
    edges = np.empty(int((~leads).sum()), EDGE)
    edges["document"], edges["equal"] = rest["document"][~leads], layout.num_perm
    edges["twin"] = rest["document"][leads][np.cumsum(leads) - 1][~leads]
    return np.concatenate([first, _settle_each(search, edges)[0]])


def _settle_each(search: Search, edges: NDArray[np.void]) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    similarity = settle(search, edges)
    near = similarity >= search.near.threshold
    return _removed(edges, similarity, np.flatnonzero(near)), ~near


def _removed(
    edges: NDArray[np.void], similarity: NDArray[np.float64], chosen: NDArray[np.int64]
) -> NDArray[np.void]:
    found = np.empty(len(chosen), REMOVED)
    for name in ("document", "twin", "equal"):
        found[name] = edges[name][chosen]
    found["similarity"] = similarity[chosen]
    return found[np.argsort(found["document"])]


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
