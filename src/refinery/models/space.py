"""A latent space of documents: where a document lies among the directions in which those of a pool vary most.

A document's place is the sum of the vectors of its features, each times 1 + ln tf, at length 1: words that occur in
the same documents have vectors that point the same way (Deerwester et al. 1990, JASIS 41, 391-407), and a short
document counts as a long one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.features import Features, dampings


@dataclass(frozen=True)
class Space:
    """row: int32 (2^bits,), of each bucket the row of its vector, -1 of one without.

    vectors: float32 (rows, directions), of the precision of float16, which they are stored in.
    """

    row: NDArray[np.int32]
    vectors: NDArray[np.float32]

    @property
    def bits(self) -> int:
        """Two to their power are the buckets."""
        return len(self.row).bit_length() - 1

    @property
    def buckets(self) -> NDArray[np.uint32]:
        """Those with a vector, ascending: uint32 (rows,)."""
        return np.flatnonzero(self.row >= 0).astype(np.uint32)

    @property
    def directions(self) -> int:
        """How many there are."""
        return int(self.vectors.shape[1])

    def places(self, found: Features) -> NDArray[np.float32]:
        """float32 (documents, directions): rows of length 1, or 0 where no feature has a vector."""
        made = np.zeros((len(found), self.directions), np.float32)
        most = int(np.diff(found.bounds).max(initial=0)) + 1
        room, factors = np.empty(most, np.int64), np.empty(most, np.float32)
        entries = (found.bounds, found.buckets, found.counts)
        _place(*entries, self.row, self.vectors, dampings(), room, factors, made)
        return made


def space_of(buckets: NDArray[np.uint32], vectors: NDArray[np.float16], bits: int) -> Space:
    """A space in which these buckets, ascending, have these vectors."""
    row = np.full(1 << bits, -1, np.int32)
    row[buckets] = np.arange(len(buckets), dtype=np.int32)
    return Space(row, np.ascontiguousarray(vectors, np.float32))


@njit(cache=True, nogil=True)
def _place(bounds, buckets, counts, row, vectors, dampings, room, factors, made):  # type: ignore[no-untyped-def]
    """Fills in places; room, int64, and factors, float32: for one more than the longest document's entries."""
    sums = np.zeros(made.shape[1], np.float32)
    for document in range(len(bounds) - 1):
        n = 0
        for i in range(bounds[document], bounds[document + 1]):
            at = row[buckets[i]]
            room[n], factors[n] = at, dampings[counts[i]]
            n += at >= 0
        sums[:] = 0.0
        whole = n - n % 4
        for i in range(0, whole, 4):  # four at a time, in order: sums are read and written a quarter as often
            a, b, c, d = room[i], room[i + 1], room[i + 2], room[i + 3]
            fa, fb, fc, fd = factors[i], factors[i + 1], factors[i + 2], factors[i + 3]
            for j in range(len(sums)):
                total = sums[j] + fa * vectors[a, j]
                total += fb * vectors[b, j]
                total += fc * vectors[c, j]
                sums[j] = total + fd * vectors[d, j]
        for i in range(whole, n):
            for j in range(len(sums)):
                sums[j] += factors[i] * vectors[room[i], j]
        squares = 0.0
        for j in range(len(sums)):
            squares += np.float64(sums[j]) * np.float64(sums[j])
        scale = np.float32(1 / np.sqrt(squares)) if squares > 0 else np.float32(0)
        for j in range(len(sums)):
            made[document, j] = sums[j] * scale
