"""Lines and paragraphs of a document: second and later copies, and how lines begin and end."""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import hash_bytes, mix
from refinery.text.segment import CHARS, FIRST, LINES, OPENS
from refinery.text.tables import TERMINAL, lookup

PARAGRAPHS, BULLETS, ELLIPSES, TERMINALS, SHORT, CHARACTERS = range(6)
COPIES, COPY_CHARS, PARAGRAPH_COPIES, PARAGRAPH_COPY_CHARS, COUNTS = range(6, 11)

SHORT_LINE = 30  # code points; FineWeb (arXiv 2406.17557, app. E.4)
# Union of the marks of datatrove's Gopher filter (• -), RedPajama-v2's signals and Dolma's tagger (*).
BULLET_MARKS = "•-*‣▶◀◦■□▪▫–"
_BULLETS = np.array([ord(mark) for mark in BULLET_MARKS], np.int32)


@njit(cache=True, nogil=True)
def _is_new(h, slots, mask):  # type: ignore[no-untyped-def]
    """Puts a hash into an open-addressed set (0 is empty); False if it was there."""
    slot = h & mask
    while slots[slot] != 0:
        if slots[slot] == h:
            return False
        slot = (slot + np.uint64(1)) & mask
    slots[slot] = h
    return True


@njit(cache=True, nogil=True)
def _last(data, end):  # type: ignore[no-untyped-def]
    """Code point that ends at `end`."""
    p = end - 1
    code, shift = np.int64(data[p]), np.int64(0)
    if code < 128:
        return code
    code &= 0x3F
    while True:
        p -= 1
        shift += 6
        byte = np.int64(data[p])
        if byte >= 0xC0:
            lead = 0x1F if shift == 6 else 0x0F if shift == 12 else 0x07
            return code | (byte & lead) << shift
        code |= (byte & 0x3F) << shift


@njit(cache=True, nogil=True)
def _clear(slots, lines):  # type: ignore[no-untyped-def]
    """Empties a set for that many hashes; returns its mask."""
    size = np.int64(2)
    while size < 2 * lines:
        size *= 2
    for i in range(size):
        slots[i] = 0
    return np.uint64(size - 1)


@njit(cache=True, nogil=True)
def _shapes(data, stage1, stage2, starts, ends, all_facts, lines, counts):  # type: ignore[no-untyped-def]
    """How the lines begin and end."""
    for i in range(lines):
        facts = all_facts[i]
        for mark in _BULLETS:
            if facts[FIRST] == mark:
                counts[BULLETS] += 1
                break
        start, end = starts[i], ends[i]
        code = _last(data, end)
        if np.int64(lookup(code, stage1, stage2)) & TERMINAL:
            counts[TERMINALS] += 1
        if code == 0x2026 or (
            code == 46 and end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46
        ):
            counts[ELLIPSES] += 1
        counts[SHORT] += facts[CHARS] <= SHORT_LINE
        counts[CHARACTERS] += facts[CHARS]
        counts[PARAGRAPHS] += facts[OPENS]


@njit(cache=True, nogil=True)
def lines(data, stage1, stage2, found, facts, counts):  # type: ignore[no-untyped-def]
    """Fills counts (int64, by the constants above) from the lines that the walk found.

    A copy is a line or paragraph equal to an earlier one (white space at line ends aside); its code points count
    as datatrove's find_duplicates does. A paragraph's length includes the newlines within.
    """
    counts[:] = 0
    number = facts[LINES]
    starts, ends, line_facts, hashes, slots, _ = found
    _shapes(data, stage1, stage2, starts, ends, line_facts, number, counts)
    if number < 2:
        return
    mask = _clear(slots, number)
    for i in range(number):
        h = hash_bytes(data, starts[i], ends[i])
        hashes[i] = h
        if not _is_new(h, slots, mask):
            counts[COPIES] += 1
            counts[COPY_CHARS] += line_facts[i, CHARS]
    if counts[COPIES] == 0 or counts[PARAGRAPHS] < 2:
        return  # a paragraph that repeats repeats its lines
    mask = _clear(slots, number)
    i = 0
    while i < number:
        h = hashes[i]
        length = np.int64(line_facts[i, CHARS])
        i += 1
        while i < number and not line_facts[i, OPENS]:
            h = mix(h) ^ hashes[i]
            length += 1 + line_facts[i, CHARS]
            i += 1
        if not _is_new(mix(h) | np.uint64(1), slots, mask):
            counts[PARAGRAPH_COPIES] += 1
            counts[PARAGRAPH_COPY_CHARS] += length
