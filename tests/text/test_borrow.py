"""Arrays without reference counts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.borrow import borrow


class Pair(NamedTuple):
    """Two arrays."""

    first: NDArray[np.int64]
    second: NDArray[np.float64]


@njit
def _sum_and_mark(array, pair):  # type: ignore[no-untyped-def]
    mine, two = borrow(array), borrow(pair)
    total = 0.0
    for i in range(len(mine)):
        total += mine[i] + two.first[i] + two.second[i]
    two.second[0] = -1.0
    return total


def test_a_borrowed_array_is_the_same_memory() -> None:
    """Reads and writes go to the array it was made from, which stays alive and usable."""
    for _ in range(3):
        array, pair = np.arange(4), Pair(np.arange(4), np.ones(4))
        assert _sum_and_mark(array, pair) == 16.0
        assert pair.second.tolist() == [-1.0, 1.0, 1.0, 1.0]
        assert array.tolist() == [0, 1, 2, 3]
