"""Kernels: where passages that several texts share may lie.

A window (refinery.text.windows) has the least length of a passage. Of its k-grams, which have half of this length or
GRAM characters, the rightmost one of least hash is its anchor (winnowing: Schleimer, Wilkerson and Aiken 2003), so
that equal windows have equal anchors at the same place in them, while a text has some 2 / (windows' k-grams + 1)
anchors a character. A context is all windows of an anchor together. Paragraphs are what blank lines separate, or in a
text without one its lines.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, hash_bytes, mix
from refinery.text.tables import BREAK, decode, lookup, tables
from refinery.text.windows import Length, measure, window_ends

GRAM = 48  # characters that are hashed together, at most
CONTEXT = np.dtype(
    [
        ("hash", np.uint64),
        ("document", np.int64),
        ("start", np.int64),  # bytes of the document's text
        ("end", np.int64),
        ("anchor", np.int32),  # from the start on
    ]
)
_LF = 10


def find_windows(batch: TextBatch, length: Length) -> NDArray[np.void]:
    """CONTEXT of each anchor of windows of a length; documents are numbered in the batch.

    >>> from refinery.text.windows import of_characters
    >>> batch = TextBatch.from_texts(["A passage.", "none"])
    >>> find_windows(batch, of_characters(8))[["document", "start", "end"]].tolist()
    [(0, 0, 10)]
    """
    longest = int(np.diff(batch.offsets).max(initial=0))
    room = np.empty((5, longest + 1), np.int64)
    hashes = np.empty(longest + 1, np.uint64)
    found: NDArray[np.void] = _find_windows(batch.data, batch.offsets, length, room, hashes)
    return found


def find_paragraphs(batch: TextBatch, least: int) -> NDArray[np.void]:
    """CONTEXT of each paragraph of at least so many characters, without white space at its ends; `anchor` is 0."""
    newlines = np.count_nonzero(batch.data[batch.offsets[0] : batch.offsets[-1]] == _LF)
    found = np.empty(newlines + len(batch), CONTEXT)
    return found[: _find_paragraphs(batch.data, batch.offsets, least, *tables(), found)]


@njit(cache=True, nogil=True)
def longer(found):  # type: ignore[no-untyped-def]
    """Records in an array of about twice the length, the rest of it not set."""
    wider = np.empty(2 * len(found) + 16, found.dtype)
    wider[: len(found)] = found
    return wider


@njit(cache=True, nogil=True)
def _find_windows(data, offsets, length, room, hashes):  # type: ignore[no-untyped-def]
    places, costs, ends, gram_ends, queue = room
    powers = np.empty(GRAM, np.uint64)
    powers[0] = 1
    for power in range(1, GRAM):
        powers[power] = powers[power - 1] * K1
    found = np.empty(2 * (offsets[-1] - offsets[0]) // (length.least + 1) + 16, CONTEXT)
    size = 0
    for document in range(len(offsets) - 1):
        first, last = offsets[document], offsets[document + 1]
        count = measure(data, first, last, length, places, costs)
        windows = window_ends(costs, count, length, length.least, ends)
        if windows == 0:
            continue
        halves = window_ends(costs, count, length, max(1, length.least // 2), gram_ends)
        grams = max(halves, count - GRAM + 1)
        for start in range(grams):
            gram_ends[start] = min(gram_ends[start], start + GRAM) if start < halves else start + GRAM
        _hash_grams(data, places, gram_ends, grams, powers, hashes)
        head, tail, current, gram = 0, 0, -1, 0
        for window in range(windows):
            while gram < grams and gram_ends[gram] <= ends[window]:
                while tail > head and hashes[queue[tail - 1]] >= hashes[gram]:
                    tail -= 1
                queue[tail] = gram
                tail += 1
                gram += 1
            while queue[head] < window:
                head += 1
            if queue[head] != current:
                if current >= 0:
                    found[size - 1].end = places[ends[window - 1]] - first
                current = queue[head]
                if size == len(found):
                    found = longer(found)
                found[size].hash = mix(hashes[current])  # the least ones would all lie in one partition
                found[size].document = document
                found[size].start = places[window] - first
                found[size].anchor = places[current] - places[window]
                size += 1
        found[size - 1].end = places[ends[windows - 1]] - first
    return found[:size]


@njit(cache=True, nogil=True)
def _hash_grams(data, places, ends, grams, powers, hashes):  # type: ignore[no-untyped-def]
    """Writes the hash of each k-gram."""
    rolling, end = np.uint64(0), 0
    for gram in range(grams):
        while end < ends[gram]:
            code, _ = decode(data, places[end])
            rolling = rolling * K1 + np.uint64(code + 1)
            end += 1
        hashes[gram] = mix(rolling)
        code, _ = decode(data, places[gram])
        rolling -= np.uint64(code + 1) * powers[end - gram - 1]


@njit(cache=True, nogil=True)
def _find_paragraphs(data, offsets, least, stage1, stage2, found):  # type: ignore[no-untyped-def]
    size = 0
    for document in range(len(offsets) - 1):
        first, last = offsets[document], offsets[document + 1]
        blank = _has_blank_line(data, first, last, stage1, stage2)
        position = first
        start, end, count, pending = first, first, 0, 0  # of the paragraph; pending: spaces that may end it
        empty = True  # the line, so far
        while position <= last:
            if position == last or (data[position] == _LF and (empty or not blank)):
                if count >= least:
                    found[size].hash = hash_bytes(data, start, end)
                    found[size].document = document
                    found[size].start, found[size].end = start - first, end - first
                    found[size].anchor = 0
                    size += 1
                count, pending = 0, 0
            if position == last:
                break
            code, width = decode(data, position)
            if code == _LF:
                empty = True
            if np.int64(lookup(code, stage1, stage2)) & BREAK:
                pending += 1
            else:
                if count == 0:
                    start, pending = position, 0
                count += pending + 1
                pending, end, empty = 0, position + width, False
            position += width
    return size


@njit(cache=True, nogil=True)
def _has_blank_line(data, first, last, stage1, stage2):  # type: ignore[no-untyped-def]
    """Whether one lies between two lines that are not blank."""
    position, lines, seen = first, 0, False
    while position < last:
        code, width = decode(data, position)
        if code == _LF:
            lines += 1
        elif not np.int64(lookup(code, stage1, stage2)) & BREAK:
            if seen and lines > 1:
                return True
            lines, seen = 0, True
        position += width
    return False
