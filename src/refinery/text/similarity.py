"""Kernels that compare sets of shingles and join what is alike.

Sets are uint64, one after the other, each ascending without repeats, as text.shingles makes them. A forest `parent`
is int64: of a root the node itself, and never greater than the node.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def jaccard(sets, starts, stops, one, other):  # type: ignore[no-untyped-def]
    """float64 (pairs,): |A & B| / |A | B| of the sets one[i] and other[i]; set j is sets[starts[j]:stops[j]].

    starts, stops: int64 (sets,); one, other: int64 (pairs,). Two empty sets: 0.
    """
    found = np.empty(one.shape[0], np.float64)
    for pair in range(one.shape[0]):
        i, j = one[pair], other[pair]
        found[pair] = _jaccard(sets, starts[i], stops[i], starts[j], stops[j])
    return found


@njit(cache=True, nogil=True)
def containment(sets, starts, stops, one, other):  # type: ignore[no-untyped-def]
    """float64 (pairs,): |A & B| / min(|A|, |B|), as `jaccard`; with an empty set: 0."""
    found = np.zeros(one.shape[0], np.float64)
    for pair in range(one.shape[0]):
        i, j = one[pair], other[pair]
        least = min(stops[i] - starts[i], stops[j] - starts[j])
        if least:
            found[pair] = _shared(sets, starts[i], stops[i], starts[j], stops[j]) / least
    return found


@njit(cache=True, nogil=True)
def _jaccard(sets, a, a_end, b, b_end):  # type: ignore[no-untyped-def]
    total = a_end - a + b_end - b
    both = _shared(sets, a, a_end, b, b_end)
    return both / (total - both) if total > both else 0.0


@njit(cache=True, nogil=True)
def _shared(sets, a, a_end, b, b_end):  # type: ignore[no-untyped-def]
    """The number of elements that two sets share."""
    both = 0
    while a < a_end and b < b_end:
        x, y = sets[a], sets[b]
        both += x == y
        a += x <= y
        b += y <= x
    return both


@njit(cache=True, nogil=True)
def unite(parent, one, other):  # type: ignore[no-untyped-def]
    """Joins the trees of one[i] and other[i], int64, under the lesser root."""
    for i in range(one.shape[0]):
        a, b = _root(parent, one[i]), _root(parent, other[i])
        parent[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def unite_near(parent, order, keys, sets, bounds, least, neighbours):  # type: ignore[no-untyped-def]
    """Joins documents of one bucket whose sets have a Jaccard similarity of `least` or more.

    order: int64, documents sorted by bucket; keys: uint64, the bucket of each of these; bounds: int64, set j is
    sets[bounds[j]:bounds[j + 1]]. Each is compared with the `neighbours` before it in its bucket: linear work.
    """
    for place in range(order.shape[0]):
        for before in range(place - 1, max(place - neighbours, 0) - 1, -1):
            if keys[before] != keys[place]:
                break
            one, other = order[place], order[before]
            a, b = _root(parent, one), _root(parent, other)
            if a == b:
                continue
            if _jaccard(sets, bounds[one], bounds[one + 1], bounds[other], bounds[other + 1]) >= least:
                parent[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def _root(parent, node):  # type: ignore[no-untyped-def]
    """The root of a node, with path halving."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@njit(cache=True, nogil=True)
def flatten(parent):  # type: ignore[no-untyped-def]
    """Makes every parent a root."""
    for i in range(parent.shape[0]):
        parent[i] = parent[parent[i]]
