"""Kernels: the lines of documents as hashes, and documents without the lines whose hashes are listed.

A line ends at LF. White space and controls at its ends do not tell it from another. A line without a letter (braces,
rules, numbers of tables) has no hash, so it is never counted, and stays.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import hash_bytes
from refinery.text.tables import BREAK, LETTER, decode, lookup, tables

_LF = 10


def distinct_lines(batch: TextBatch) -> NDArray[np.uint64]:
    """Hashes, uint64, of the lines of each document that are not blank, each once a document, documents in order.

    >>> [len(distinct_lines(TextBatch.from_texts([text]))) for text in ("a\\n b\\na ", "", "\\n \\n")]
    [2, 0, 0]
    """
    newlines = np.count_nonzero(batch.data[batch.offsets[0] : batch.offsets[-1]] == _LF)
    found = np.empty(newlines + len(batch), np.uint64)
    return found[: _distinct_lines(batch.data, batch.offsets, *tables(), found)]


def drop_lines(batch: TextBatch, hashes: NDArray[np.uint64]) -> TextBatch:
    """The documents without the lines of these hashes, which ascend; the very same batch if none is there.

    Of blank lines on both sides of what goes, the longer side stays; at either end of the text, none.

    >>> menu = distinct_lines(TextBatch.from_texts(["Menu"]))
    >>> drop_lines(TextBatch.from_texts(["Menu\\n\\nText.\\n\\n Menu \\n\\nMore."]), menu).to_arrow().to_pylist()
    ['Text.\\n\\nMore.']
    """
    out, bounds = np.empty(batch.nbytes, np.uint8), np.zeros(len(batch) + 1, np.int64)
    changed = _drop_lines(batch.data, batch.offsets, *tables(), hashes, out, bounds)
    return TextBatch(out[: bounds[-1]], bounds) if changed else batch


@njit(cache=True, nogil=True)
def _line(data, start, stop, stage1, stage2):  # type: ignore[no-untyped-def]
    """Where the line from `start` ends, where what is visible of it begins and ends, and whether it has a letter."""
    first, last, letter = start, start, False
    position = start
    while position < stop and data[position] != _LF:
        code, width = decode(data, position)
        entry = np.int64(lookup(code, stage1, stage2))
        if not entry & BREAK:
            if first == last:
                first = position
            last = position + width
            letter |= (entry & LETTER) != 0
        position += width
    return position, first, last, letter


@njit(cache=True, nogil=True)
def _distinct_lines(data, offsets, stage1, stage2, found):  # type: ignore[no-untyped-def]
    size = 0
    for document in range(len(offsets) - 1):
        position, stop = offsets[document], offsets[document + 1]
        begin = size
        while position < stop:
            end, first, last, letter = _line(data, position, stop, stage1, stage2)
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
def _is_listed(hashes, h):  # type: ignore[no-untyped-def]
    low, high = 0, len(hashes)
    while low < high:
        middle = (low + high) // 2
        if hashes[middle] < h:
            low = middle + 1
        else:
            high = middle
    return low < len(hashes) and hashes[low] == h


@njit(cache=True, nogil=True)
def _copy(data, start, stop, out, size):  # type: ignore[no-untyped-def]
    """Writes data[start:stop] to `out` from `size` on; gives where it ends."""
    for i in range(start, stop):
        out[size] = data[i]
        size += 1
    return size


@njit(cache=True, nogil=True)
def _drop_lines(data, offsets, stage1, stage2, hashes, out, bounds):  # type: ignore[no-untyped-def]
    """Writes document i's new text to `out[bounds[i]:bounds[i + 1]]`; True if any line went."""
    changed = False
    size = 0
    for document in range(len(offsets) - 1):
        position, stop = offsets[document], offsets[document + 1]
        empty = True  # no line is written yet
        dropped = False  # a line since the last that is written
        gap = position  # where the blank lines begin that end here, with the LF before them
        longest, longest_end = gap, gap  # since the last written line, before a dropped one
        while position < stop:
            end, first, last, letter = _line(data, position, stop, stage1, stage2)
            if first < last:
                if position - gap > longest_end - longest:
                    longest, longest_end = gap, position
                if letter and _is_listed(hashes, hash_bytes(data, first, last)):
                    dropped = changed = True
                else:
                    if not (dropped and empty):
                        size = _copy(data, longest, longest_end, out, size)
                    size = _copy(data, position, end, out, size)
                    empty, dropped = False, False
                    longest, longest_end = end, end
                gap = end
            position = end + 1
        if not dropped:
            size = _copy(data, gap, stop, out, size)
        bounds[document + 1] = size
    return changed
