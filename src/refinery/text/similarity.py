"""Kernels that compare sets of shingles and join what is alike."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def jaccard(sets, starts, stops, one, other):  # type: ignore[no-untyped-def]
    """float64 (pairs,): |A & B| / |A | B| of the sets one[i] and other[i]; set j is sets[starts[j]:stops[j]].

    sets: uint64, each set ascending without repeats; starts, stops: int64 (sets,); one, other: int64 (pairs,).
    """
    found = np.zeros(one.shape[0], np.float64)
    for pair in range(one.shape[0]):
        a, a_end = starts[one[pair]], stops[one[pair]]
        b, b_end = starts[other[pair]], stops[other[pair]]
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


@njit(cache=True, nogil=True)
def unite(parent, one, other):  # type: ignore[no-untyped-def]
    """Joins the trees of one[i] and other[i] under the lesser root, with path halving.

    parent: int64, of a root itself, never greater than the node; one, other: int64, equally many nodes.
    """
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
