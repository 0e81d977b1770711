"""How near each row is to the nearest seed: the greatest cosine, for a topic has many sides and no centre (BETR)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.recall.logistic import Rows


def nearest(
    blocks: Iterable[Rows], columns: Rows, seed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """float32 (rows,): the cosine to the nearest seed, of a seed to the nearest other; int64 (rows,): its row, or -1.

    blocks: all rows, of length 1 or 0, some at a time; columns: those of seeds; seed: bool (rows,), which these are.
    """
    seeds = np.flatnonzero(seed)
    found, which = np.zeros(len(seed), np.float32), np.full(len(seed), -1, np.int64)
    order = np.argsort(columns.columns, kind="stable")
    owners = np.repeat(np.arange(len(seeds)), np.diff(columns.bounds))[order].astype(np.int32)
    starts = np.searchsorted(columns.columns[order], np.arange(columns.width + 1))
    values = columns.values[order]
    place = np.full(len(seed), -1, np.int64)
    place[seeds] = np.arange(len(seeds))
    start = 0
    for rows in blocks:
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
