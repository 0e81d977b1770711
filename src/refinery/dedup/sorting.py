"""Records in order: by preference, by keys that are equal, by ascending documents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def preferred_order(records: NDArray[Any], *keys: NDArray[Any]) -> NDArray[np.int64]:
    """Indices that sort records by keys, the last the most important, and the preferred document first in each."""
    order: NDArray[np.int64] = np.lexsort((records["document"], *records["prefer"].T[::-1], *keys))
    return order


def shared_keys(sorted_keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the sorted keys stand beside an equal one."""
    same = sorted_keys[1:] == sorted_keys[:-1]
    found = np.zeros(len(sorted_keys), np.bool_)
    found[1:] = same
    found[:-1] |= same
    return found


def starts_of(*sorted_keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a new key begins, in keys by which the records are sorted."""
    first = np.ones(len(sorted_keys[0]), np.bool_)
    if len(first):
        first[1:] = np.logical_or.reduce([keys[1:] != keys[:-1] for keys in sorted_keys])
    return first


def look_up(
    keys: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the wanted are among the ascending keys, and where each then is."""
    if len(keys) == 0:
        return np.zeros(len(wanted), np.bool_), np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[at] == wanted, at
