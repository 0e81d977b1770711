"""Kernels: the lines of documents as hashes, each once a document, and which lines have hashes that are listed."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import hash_bytes
from refinery.text.tables import tables
from refinery.text.visible_lines import LF, read_line


def distinct_lines(batch: TextBatch) -> NDArray[np.uint64]:
    """Hashes, uint64, of the lines of each document that have a letter, each once a document, documents in order.

    They are those of `visible_lines.find_lines`.

    >>> [len(distinct_lines(TextBatch.from_texts([text]))) for text in ("a\\n b\\na ", "", "\\n \\n")]
    [2, 0, 0]
    """
    newlines = np.count_nonzero(batch.data[batch.offsets[0] : batch.offsets[-1]] == LF)
    found = np.empty(newlines + len(batch), np.uint64)
    return found[: _distinct_lines(batch.data, batch.offsets, *tables(), found)]


def places_of(wanted: NDArray[np.uint64], hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each of `wanted` stands in `hashes`, which ascend; -1 where it does not.

    >>> places_of(np.array([5, 4], np.uint64), np.array([2, 5], np.uint64)).tolist()
    [1, -1]
    """
    found = np.empty(len(wanted), np.int64)
    _places(wanted, hashes, found)
    return found


@njit(cache=True, nogil=True)
def _distinct_lines(data, offsets, stage1, stage2, found):  # type: ignore[no-untyped-def]
    size = 0
    for document in range(len(offsets) - 1):
        position, stop = offsets[document], offsets[document + 1]
        begin = size
        while position < stop:
            end, first, last, letter = read_line(data, position, stop, stage1, stage2)
            if letter:
                found[size] = hash_bytes(data, first, last)
                size += 1
            position = end + 1
        found[begin:size].sort()
        kept = begin
        for i in range(begin, size):
            if i == begin or found[i] != found[i - 1]:
                found[kept] = found[i]
                kept += 1
        size = kept
    return size


@njit(cache=True, nogil=True)
def _places(wanted, hashes, found):  # type: ignore[no-untyped-def]
    for i in range(len(wanted)):
        low, high = 0, len(hashes)
        while low < high:
            middle = (low + high) // 2
            if hashes[middle] < wanted[i]:
                low = middle + 1
            else:
                high = middle
        found[i] = low if low < len(hashes) and hashes[low] == wanted[i] else -1
