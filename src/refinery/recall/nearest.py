"""How near each row is to the nearest seed: the greatest cosine, for a topic has many sides and no centre (BETR)."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.recall.logistic import weigh_rows, weighed_blocks
from refinery.text.features import Features


def nearest(
    documents: Features, inverse: NDArray[np.float32], seed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """float32 (documents,): the cosine to the nearest seed, of a seed to the nearest other; int64: its number, or -1.

    inverse: by bucket, of features.inverse_frequencies; seed: bool (documents,), which are seeds.
    """
    seeds = np.flatnonzero(seed)
    found, which = np.zeros(len(seed), np.float32), np.full(len(seed), -1, np.int64)
    of_seeds = weigh_rows(documents.take(seeds), inverse)
    order = np.argsort(of_seeds.columns, kind="stable")
    owners = np.repeat(np.arange(len(seeds)), np.diff(of_seeds.bounds))[order].astype(np.int32)
    starts = np.searchsorted(of_seeds.columns[order], np.arange(of_seeds.width + 1))
    values = of_seeds.values[order]
    place = np.full(len(seed), -1, np.int64)
    place[seeds] = np.arange(len(seeds))
    start = 0
    for rows in weighed_blocks(documents, inverse):
        part = slice(start, start + len(rows))
        _nearest(
            *(rows.bounds, rows.columns, rows.values),
            *(starts, owners, values),
            *(place[part], seeds, found[part], which[part]),
        )
        start += len(rows)
    return found, which


@njit(cache=True, nogil=True)
def _nearest(bounds, columns, values, starts, owners, seed_values, place, seeds, found, which):  # type: ignore[no-untyped-def]
    totals = np.zeros(len(seeds))
    for row in range(len(bounds) - 1):
        totals[:] = 0.0
        for i in range(bounds[row], bounds[row + 1]):
            column = columns[i]
            for j in range(starts[column], starts[column + 1]):
                totals[owners[j]] += values[i] * seed_values[j]
        best = 0.0
        for number in range(len(seeds)):
            if number != place[row] and totals[number] > best:
                best, which[row] = totals[number], seeds[number]
        found[row] = np.float32(best)
