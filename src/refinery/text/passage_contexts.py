"""Kernels: where passages that several texts share may lie.

A window is a number of consecutive characters. Of the k-grams in a window the rightmost one of least hash is its
anchor (winnowing: Schleimer, Wilkerson and Aiken 2003), so that equal windows have equal anchors at the same place in
them, while a text has some 2 / (windows' k-grams + 1) anchors a character. A context is all windows of an anchor
together. Paragraphs are what blank lines separate, or in a text without one its lines.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, hash_bytes, mix
from refinery.text.tables import BREAK, decode, lookup, tables

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


def find_windows(batch: TextBatch, least: int) -> NDArray[np.void]:
    """CONTEXT of each anchor of windows of `least` characters; documents are numbered in the batch.

    >>> find_windows(TextBatch.from_texts(["A passage.", "none"]), 8)[["document", "start", "end"]].tolist()
    [(0, 0, 10)]
    """
    gram = max(1, min(GRAM, least // 2))
    longest = int(np.diff(batch.offsets).max(initial=0))
    room = np.empty((3, longest + 1), np.int64)
    hashes = np.empty(longest + 1, np.uint64)
    found: NDArray[np.void] = _find_windows(batch.data, batch.offsets, least, gram, room, hashes)
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
def character_places(data, start, stop, places):  # type: ignore[no-untyped-def]
    """Writes where each character of data[start:stop] begins, then `stop`; gives the number of characters."""
    count = 0
    for position in range(start, stop):
        if data[position] & 0xC0 != 0x80:
            places[count] = position
            count += 1
    places[count] = stop
    return count


@njit(cache=True, nogil=True)
def _find_windows(data, offsets, least, gram, room, hashes):  # type: ignore[no-untyped-def]
    places, queue, _ = room
    grams = least - gram + 1  # of a window
    power = np.uint64(1)
    for _ in range(gram):
        power *= K1
    found = np.empty((offsets[-1] - offsets[0]) // grams + 16, CONTEXT)
    size = 0
    for document in range(len(offsets) - 1):
        first, last = offsets[document], offsets[document + 1]
        count = character_places(data, first, last, places)
        if count < least:
            continue
        rolling = np.uint64(0)
        head, tail, current = 0, 0, -1
        for character in range(count):
            code, _ = decode(data, places[character])
            rolling = rolling * K1 + np.uint64(code + 1)
            start = character - gram + 1  # of the k-gram
            if start > 0:
                code, _ = decode(data, places[start - 1])
                rolling -= np.uint64(code + 1) * power
            if start < 0:
                continue
            hashes[start] = mix(rolling)
            while tail > head and hashes[queue[tail - 1]] >= hashes[start]:
                tail -= 1
            queue[tail] = start
            tail += 1
            window = start - grams + 1
            if window < 0:
                continue
            while queue[head] < window:
                head += 1
            if queue[head] != current:
                if current >= 0:
                    found[size - 1].end = places[window - 1 + least] - first
                current = queue[head]
                if size == len(found):
                    found = longer(found)
                found[size].hash = mix(hashes[current])  # the least ones would all lie in one partition
                found[size].document = document
                found[size].start = places[window] - first
                found[size].anchor = places[current] - places[window]
                size += 1
        found[size - 1].end = last - first
    return found[:size]


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
