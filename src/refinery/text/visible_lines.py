"""Kernels: the lines of documents that are not blank, and documents without some of them.

A line ends at LF. White space and controls at its ends are no part of what is seen of it. Lines between which no
blank one stands are a paragraph.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.cut import copy_bytes
from refinery.text.hashing import hash_bytes
from refinery.text.tables import BREAK, LETTER, decode, lookup, tables

LF = 10


@dataclass(frozen=True)
class Spans:
    """Parts of documents in order: lines that are not blank, or paragraphs; part i is data[start[i]:end[i]].

    document: int32; start, end: int64, without white space at the ends; hash: uint64, 0 of a line without a letter
    (braces, rules, numbers of tables) and of paragraphs; first: bool, whether a paragraph begins with it; lines:
    int32, how many lines it has.
    """

    document: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    hash: NDArray[np.uint64]
    first: NDArray[np.bool_]
    lines: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.start)


def find_lines(batch: TextBatch) -> Spans:
    """The lines that are not blank.

    >>> found = find_lines(TextBatch.from_texts(["a\\n\\n b ", "", "c\\n1"]))
    >>> found.document.tolist(), found.start.tolist(), found.end.tolist(), found.first.tolist()
    ([0, 0, 2, 2], [0, 4, 6, 8], [1, 5, 7, 9], [True, True, True, False])
    """
    data = batch.data[batch.offsets[0] : batch.offsets[-1]]
    most = np.count_nonzero((data[:-1] == LF) & (data[1:] != LF)) + len(batch)
    document, places = np.empty(most, np.int32), np.empty((2, most), np.int64)
    hashes, first = np.empty(most, np.uint64), np.empty(most, np.bool_)
    n = _find(batch.data, batch.offsets, *tables(), document, places, hashes, first)
    return Spans(document[:n], places[0, :n], places[1, :n], hashes[:n], first[:n], np.ones(n, np.int32))


def paragraphs_of(lines: Spans) -> Spans:
    """The paragraphs that lines make."""
    opens = np.flatnonzero(lines.first)
    closes = np.append(opens[1:], len(lines)) - 1 if len(opens) else opens
    return Spans(
        lines.document[opens],
        lines.start[opens],
        lines.end[closes],
        np.zeros(len(opens), np.uint64),
        np.ones(len(opens), np.bool_),
        (closes - opens + 1).astype(np.int32),
    )


def without_lines(batch: TextBatch, lines: Spans, gone: NDArray[np.bool_]) -> TextBatch:
    """The documents without those of their lines (`find_lines`) that are `gone`; the very same batch if none is.

    Of blank lines on both sides of what goes, the longer side stays; at either end of the text, none.

    >>> batch = TextBatch.from_texts(["Menu\\n\\nText.\\n\\n Menu \\n\\nMore."])
    >>> without_lines(batch, find_lines(batch), np.array([True, False, True, False])).to_arrow().to_pylist()
    ['Text.\\n\\nMore.']
    """
    if not gone.any():
        return batch
    out, bounds = np.empty(batch.nbytes, np.uint8), np.zeros(len(batch) + 1, np.int64)
    _drop(batch.data, batch.offsets, lines.document, lines.start, lines.end, gone, out, bounds)
    return TextBatch(out[: bounds[-1]], bounds)


@njit(cache=True, nogil=True)
def read_line(data, start, stop, stage1, stage2):  # type: ignore[no-untyped-def]
    """Where the line from `start` ends, where what is visible of it begins and ends, and whether it has a letter."""
    first, last, letter = start, start, False
    position = start
    while position < stop and data[position] != LF:
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
def _find(data, offsets, stage1, stage2, documents, places, hashes, opens):  # type: ignore[no-untyped-def]
    size = 0
    for document in range(len(offsets) - 1):
        position, stop = offsets[document], offsets[document + 1]
        after_blank = True
        while position < stop:
            end, first, last, letter = read_line(data, position, stop, stage1, stage2)
            if first < last:
                documents[size] = document
                places[0, size], places[1, size] = first, last
                hashes[size] = hash_bytes(data, first, last) if letter else np.uint64(0)
                opens[size] = after_blank
                size += 1
            after_blank = first == last
            position = end + 1
    return size


@njit(cache=True, nogil=True)
def _drop(data, offsets, documents, starts, ends, gone, out, bounds):  # type: ignore[no-untyped-def]
    """Writes document i's new text to `out[bounds[i]:bounds[i + 1]]`."""
    size = line = 0
    for document in range(len(offsets) - 1):
        stop = offsets[document + 1]
        empty = True  # no line is written yet
        dropped = False  # a line since the last that is written
        gap = offsets[document]  # where the blank lines begin that end here, with the LF before them
        longest, longest_end = gap, gap  # since the last written line, before a dropped one
        while line < len(starts) and documents[line] == document:
            position, end = starts[line], ends[line]  # of the whole line
            while position > offsets[document] and data[position - 1] != LF:
                position -= 1
            while end < stop and data[end] != LF:
                end += 1
            if position - gap > longest_end - longest:
                longest, longest_end = gap, position
            if gone[line]:
                dropped = True
            else:
                if not (dropped and empty):
                    size = copy_bytes(data, longest, longest_end, out, size)
                size = copy_bytes(data, position, end, out, size)
                empty, dropped = False, False
                longest, longest_end = end, end
            gap = end
            line += 1
        if not dropped:
            size = copy_bytes(data, gap, stop, out, size)
        bounds[document + 1] = size
