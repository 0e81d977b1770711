"""Kernels: spans of bytes in texts, start:stop of the text of a row, made wider and joined."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def widen_spans(data, offsets, row, margin, start, stop):  # type: ignore[no-untyped-def]
    """Moves both ends of start:stop, bytes of the texts of these rows, by so many characters, within the text."""
    for index in range(row.shape[0]):
        first, size = offsets[row[index]], offsets[row[index] + 1] - offsets[row[index]]
        for _ in range(margin):
            if start[index] > 0:
                start[index] -= 1
                while data[first + start[index]] & 0xC0 == 0x80:
                    start[index] -= 1
            if stop[index] < size:
                stop[index] += 1
                while stop[index] < size and data[first + stop[index]] & 0xC0 == 0x80:
                    stop[index] += 1


@njit(cache=True, nogil=True)
def merge_spans(row, start, stop):  # type: ignore[no-untyped-def]
    """Joins spans that touch, which come by row and start: gives the places of those that stay, longer now."""
    kept = np.empty(row.shape[0], np.int64)
    count = 0
    for index in range(row.shape[0]):
        if count and row[kept[count - 1]] == row[index] and start[index] <= stop[kept[count - 1]]:
            stop[kept[count - 1]] = max(stop[kept[count - 1]], stop[index])
            continue
        kept[count] = index
        count += 1
    return kept[:count]
