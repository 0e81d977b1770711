"""Kernels: where a passage that is cut begins and ends, so that no word or number is cut through or made."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.tables import (
    BREAK,
    CONNECTOR,
    DIGIT,
    LETTER,
    MARK,
    MID_NUMBER,
    UNSPACED,
    decode,
    decode_before,
    lookup,
    tables,
)

_LF = 10
_WORD = LETTER | DIGIT | MARK | CONNECTOR
_NUMERALS = np.array(sorted(map(ord, "〇零一二三四五六七八九十百千万亿两萬億兩")), np.int64)


def trim(
    batch: TextBatch, documents: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> None:
    """Moves starts and ends of passages inwards, in place, out of words and numbers; given as for `cut.cut_out`.

    Where a word before a passage would run into one behind it, a character of the passage stays, if it can a space.
    """
    _trim(batch.data, batch.offsets, *tables(), documents, starts, ends)


def with_blank_lines(
    batch: TextBatch, documents: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> None:
    """Moves the end of each paragraph to the next one, of the last one the start to that before; in place."""
    _with_blank_lines(batch.data, batch.offsets, *tables(), documents, starts, ends)


@njit(cache=True, nogil=True)
def _joins(data, first, last, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Whether what is before `start` and what is from `end` on are of one word of a script with spaces, or number."""
    if start <= first or end >= last:
        return False
    last_code, begin = decode_before(data, start)
    before = np.int64(lookup(last_code, stage1, stage2))
    code, next_width = decode(data, end)
    after = np.int64(lookup(code, stage1, stage2))
    if before & UNSPACED and after & UNSPACED:
        return (last_code == _NUMERALS).any() and (code == _NUMERALS).any()
    if before & _WORD and after & _WORD and not (before | after) & UNSPACED:
        return True
    if before & DIGIT and after & MID_NUMBER and end + next_width < last:
        code, _ = decode(data, end + next_width)
        return np.int64(lookup(code, stage1, stage2)) & DIGIT != 0
    if before & MID_NUMBER and after & DIGIT and begin > first:
        code, _ = decode_before(data, begin)
        return np.int64(lookup(code, stage1, stage2)) & DIGIT != 0
    return False


@njit(cache=True, nogil=True)
def _trim(data, offsets, stage1, stage2, documents, starts, ends):  # type: ignore[no-untyped-def]
    for passage in range(len(documents)):
        first, last = offsets[documents[passage]], offsets[documents[passage] + 1]
        start, end = first + starts[passage], first + ends[passage]
        while start < end and _joins(data, first, last, start, start, stage1, stage2):
            start += decode(data, start)[1]
        while start < end and _joins(data, first, last, end, end, stage1, stage2):
            _, end = decode_before(data, end)
        if start < end and _joins(data, first, last, start, end, stage1, stage2):
            spaced = np.int64(lookup(decode(data, start)[0], stage1, stage2)) & BREAK
            final, final_start = decode_before(data, end)
            if not spaced and np.int64(lookup(final, stage1, stage2)) & BREAK:
                end = final_start
        # where no space of the passage can stay its first character does, with the rest of its word
        while start < end and (
            _joins(data, first, last, start, end, stage1, stage2)
            or _joins(data, first, last, start, start, stage1, stage2)
        ):
            start += decode(data, start)[1]
        starts[passage], ends[passage] = start - first, end - first


@njit(cache=True, nogil=True)
def _with_blank_lines(data, offsets, stage1, stage2, documents, starts, ends):  # type: ignore[no-untyped-def]
    for passage in range(len(documents)):
        first, last = offsets[documents[passage]], offsets[documents[passage] + 1]
        end = first + ends[passage]
        while end < last:
            code, width = decode(data, end)
            if not np.int64(lookup(code, stage1, stage2)) & BREAK:
                break
            end += width
        # of the white space before the next paragraph what stands in its own line stays
        stop = end
        while stop > first + ends[passage] and end < last and data[stop - 1] != _LF:
            stop -= 1
        ends[passage] = stop - first
        floor = first
        if passage and documents[passage - 1] == documents[passage]:
            floor += ends[passage - 1]
        start = first + starts[passage]
        while start > floor:
            code, before = decode_before(data, start)
            if not np.int64(lookup(code, stage1, stage2)) & BREAK or (code == _LF and end < last):
                break
            start = before
        starts[passage] = start - first
