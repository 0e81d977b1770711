"""Spherical k-means: rows of length 1 in clusters by their cosine with a center (Dhillon and Modha 2001).

Machine Learning 42, 143-175. Centers begin as rows that are far from those chosen before (greedy k-means++, Arthur
and Vassilvitskii 2007, with 1 - cosine as the squared distance), and a center without a row begins again at the row
that is farthest from its own. Sums are made in the order of the rows, so the same rows give the same centers.

Rows are sparse: `refinery.text.features.Features` with a value for every entry; `terms` says which column a bucket
is, int32 (2^bits,), -1: none. Centers are float32 (columns, clusters).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.features import Features

CANDIDATES = 3
_ROUNDS = 40
_SETTLED = 0.001  # share of rows that change their cluster, up to which centers are good


@dataclass(frozen=True)
class Rows:
    """values: float32 (entries,), of length 1 over the entries that have a column."""

    found: Features
    values: NDArray[np.float32]
    terms: NDArray[np.int32]

    def nearest(self, centers: NDArray[np.float32]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The nearest center of each row, the first of equals, -1 of a row without a column; and their cosine."""
        topics = np.empty(len(self.found), np.int32)
        cosines = np.empty(len(self.found), np.float32)
        _nearest(self.found.bounds, self.found.buckets, self.values, self.terms, centers, topics, cosines)
        return topics, cosines

    def compact(self) -> Rows:
        """The same rows without entries that have no column."""
        kept = self.terms[self.found.buckets] >= 0
        bounds = np.concatenate([[0], np.cumsum(kept)])[self.found.bounds]
        return Rows(
            Features(bounds, self.found.buckets[kept], self.found.counts[kept]), self.values[kept], self.terms
        )

    def sums(self, topics: NDArray[np.int32], columns: int, clusters: int) -> NDArray[np.float32]:
        """The sum of the rows of each cluster."""
        totals = np.zeros((columns, clusters), np.float32)
        _add(self.found.bounds, self.found.buckets, self.values, self.terms, topics, totals)
        return totals


def cluster(rows: Rows, columns: int, clusters: int, seed: int) -> NDArray[np.float32]:
    """Centers of length 1, those of the most rows first; fewer than `clusters` where rows are fewer.

    Rows without a column count for none.
    """
    rows = rows.compact()
    centers = _begin(rows, columns, clusters, seed)
    topics = np.full(len(rows.found), -1, np.int32)
    for _ in range(_ROUNDS):
        before = topics
        topics, cosines = rows.nearest(centers)
        moved = int(np.count_nonzero(topics != before))
        if moved <= _SETTLED * len(topics):
            break
        reseat(topics, cosines, centers.shape[1])
        centers = _of_length_one(rows.sums(topics, columns, centers.shape[1]))
    counts = np.bincount(rows.nearest(centers)[0] + 1, minlength=centers.shape[1] + 1)[1:]
    return np.ascontiguousarray(centers[:, np.argsort(-counts, kind="stable")])


def _begin(rows: Rows, columns: int, clusters: int, seed: int) -> NDArray[np.float32]:
    """Rows as centers, one after the other: of CANDIDATES drawn in proportion to how far they are from those before.

    Taken is the one that leaves all rows nearest to the centers.
    """
    draws = np.random.default_rng(seed).random((clusters, CANDIDATES))
    distances = (rows.nearest(np.zeros((columns, 1), np.float32))[0] >= 0).astype(np.float64)
    chosen = np.full(len(distances), -1, np.int32)
    for number in range(clusters):
        reach = np.cumsum(distances)
        if not len(reach) or reach[-1] <= 1e-6 * len(reach):
            return rows.sums(chosen, columns, number)
        drawn = np.searchsorted(reach, draws[number] * reach[-1], "right")
        left = [np.minimum(distances, _distances(rows, int(row), columns)) for row in drawn]
        best = int(np.argmin([one.sum() for one in left]))
        chosen[drawn[best]], distances = number, left[best]
        distances[drawn[best]] = 0
    return rows.sums(chosen, columns, clusters)


def _distances(rows: Rows, row: int, columns: int) -> NDArray[np.float64]:
    """1 - cosine of every row with one of them."""
    alone = np.full(len(rows.found), -1, np.int32)
    alone[row] = 0
    cosines = rows.nearest(rows.sums(alone, columns, 1))[1]
    return np.maximum(1 - cosines.astype(np.float64), 0)


def reseat(topics: NDArray[np.int32], cosines: NDArray[np.float32], clusters: int) -> None:
    """Gives each cluster without a row the one that is farthest from its center, in `topics`."""
    empty = np.setdiff1d(np.arange(clusters), topics)
    far = np.argsort(np.where(topics >= 0, cosines, np.inf), kind="stable")[: len(empty)]
    topics[far] = empty[: len(far)]


def _of_length_one(totals: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.sqrt((totals.astype(np.float64) ** 2).sum(axis=0))
    centers: NDArray[np.float32] = (totals / np.maximum(lengths, 1e-12)).astype(np.float32)
    return centers


@njit(cache=True, nogil=True)
def _nearest(bounds, buckets, values, terms, centers, topics, cosines):  # type: ignore[no-untyped-def]
    clusters = centers.shape[1]
    room = np.empty(clusters, np.float32)
    for row in range(len(bounds) - 1):
        room[:] = np.float32(0)
        has = False
        for i in range(bounds[row], bounds[row + 1]):
            term = terms[buckets[i]]
            if term >= 0:
                has = True
                value = values[i]
                for k in range(clusters):
                    room[k] += value * centers[term, k]
        best = 0
        for k in range(1, clusters):
            if room[k] > room[best]:
                best = k
        topics[row] = best if has else -1
        cosines[row] = room[best] if has else np.float32(0)


@njit(cache=True, nogil=True)
def _add(bounds, buckets, values, terms, topics, totals):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        if topics[row] >= 0:
            for i in range(bounds[row], bounds[row + 1]):
                term = terms[buckets[i]]
                if term >= 0:
                    totals[term, topics[row]] += values[i]
