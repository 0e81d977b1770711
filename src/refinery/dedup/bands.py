"""How a signature is cut into bands, and the recall that the cut promises."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from refinery.filters.verb import Explained

if TYPE_CHECKING:
    from refinery.dedup.settings import Near

_SIMILARITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@dataclass(frozen=True)
class Bands:
    """Bands of a signature, and the rows (hashes) of each."""

    count: int
    rows: int


def bands_of(near: Near) -> Bands:
    """The bands that a definition asks for, or where it leaves that open those that `split` chooses."""
    if near.bands and near.rows:
        return Bands(near.bands, near.rows)
    return Bands(*split(near.similarity, near.num_perm))


@cache
def split(threshold: float, num_perm: int) -> tuple[int, int]:
    """Bands and rows a band, as datasketch's `MinHashLSH(threshold, num_perm)` chooses them.

    The cut with the least sum of the false positive area under the curve of `recall` below the threshold and the
    false negative area above it, the first such in order of bands and then rows (datasketch 2.0, lsh.py
    `_optimal_param`; it integrates numerically, this by Gauss-Legendre nodes that are exact for these polynomials).
    At least two bands, as MinHashLSH demands.

    >>> split(0.8, 112), split(0.7, 128)
    ((9, 12), (14, 9))
    """
    import numpy as np

    nodes, weights = np.polynomial.legendre.leggauss(num_perm // 2 + 1)
    below, above = threshold * (nodes + 1) / 2, threshold + (1 - threshold) * (nodes + 1) / 2
    best, found = float("inf"), (2, 1)
    for bands in range(2, num_perm + 1):
        for rows in range(1, num_perm // bands + 1):
            false_positive = threshold / 2 * float(weights @ (1 - (1 - below**rows) ** bands))
            false_negative = (1 - threshold) / 2 * float(weights @ (1 - above**rows) ** bands)
            error = 0.5 * false_positive + 0.5 * false_negative
            if error < best:
                best, found = error, (bands, rows)
    return found


def recall(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity share a bucket: 1 - (1 - s^r)^b.

    >>> round(recall(0.8, 9, 12), 3)
    0.473
    """
    return float(1.0 - (1.0 - similarity**rows) ** bands)


def split_for_recall(threshold: float, num_perm: int, least: float = 0.99) -> tuple[int, int]:
    """Bands and rows a band, the rows as many as find a pair at the threshold with probability `least` or more.

    What is looked up is compared by its text, so a false candidate costs time and nothing else. At least two bands.

    >>> split_for_recall(0.8, 112), split_for_recall(0.5, 112)
    ((18, 6), (37, 3))
    """
    for rows in range(num_perm // 2, 1, -1):
        if recall(threshold, num_perm // rows, rows) >= least:
            return num_perm // rows, rows
    return num_perm, 1


def explain_recall(what: str, near: Near) -> Explained:
    """The recall that the bands promise, for `refinery plan`."""
    bands = bands_of(near)
    title = f"{what}: {bands.count} bands of {bands.rows} rows, from Jaccard {near.similarity} on"
    found = tuple(f"{recall(s, bands.count, bands.rows):.3f}" for s in _SIMILARITIES)
    return Explained(title, ("Jaccard", *map(str, _SIMILARITIES)), (("found", *found),))
