"""Lines and paragraphs of a document: second and later copies, how lines begin and end, and hard wraps.

A line ends with a sentence terminal if closing quotation marks and brackets alone stand after it.

A text is hard-wrapped at a width, its longest line but for outliers, if at many of its line breaks within paragraphs
the next line's first word would not have fitted. Those breaks are wraps.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import hash_bytes, mix
from refinery.text.segment import CHARS, FIRST, LINES, OPENS, WORDS
from refinery.text.tables import CLOSE, FORMAT, SPACE, TERMINAL, UNSPACED, decode, decode_before, lookup

PARAGRAPHS, BULLETS, ELLIPSES, TERMINALS, SHORT, CHARACTERS, SPACE_WORDS, WRAPS, WRAPPED_TERMINALS = range(9)
COPIES, COPY_CHARS, PARAGRAPH_COPIES, PARAGRAPH_COPY_CHARS, COUNTS = range(9, 14)

SHORT_LINE = 30  # code points; FineWeb (arXiv 2406.17557, app. E.4)
# Union of the marks of datatrove's Gopher filter (• -), RedPajama-v2's signals and Dolma's tagger (*).
BULLET_MARKS = "•-*‣▶◀◦■□▪▫–"
_BULLETS = np.array([ord(mark) for mark in BULLET_MARKS], np.int32)
_NARROWEST, WIDEST = 30, 120  # code points: widths at which texts are wrapped
_OUTLIERS = 20  # one line in so many may be wider
_FEWEST = 3  # one break in so many within paragraphs is a wrap in a wrapped text


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
def ends_sentence(data, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Whether data[start:end] ends with a sentence terminal, with nothing but closing marks after it."""
    while end > start:
        code, end = decode_before(data, end)
        flags = np.int64(lookup(code, stage1, stage2))
        if flags & TERMINAL:
            return True
        if not flags & (CLOSE | FORMAT | SPACE):  # « Fini. »
            return False
    return False


@njit(cache=True, nogil=True)
def _first_word(data, start, end, stage1, stage2):  # type: ignore[no-untyped-def]
    """Code points of the first word of a line; of a script without spaces one letter."""
    points = np.int64(0)
    while start < end:
        code, width = decode(data, start)
        flags = np.int64(lookup(code, stage1, stage2))
        if flags & SPACE and points > 0:
            break
        start += width
        points += not flags & SPACE
        if flags & UNSPACED:
            break
    return points


@njit(cache=True, nogil=True)
def _wrap_width(all_facts, lines, lengths):  # type: ignore[no-untyped-def]
    """Code points of the longest line but for outliers, 0 if no text is wrapped at that; lengths: scratch."""
    lengths[:] = 0
    for i in range(lines):
        lengths[min(all_facts[i, CHARS], WIDEST + 1)] += 1
    width, wider = WIDEST, lengths[WIDEST + 1]
    if wider * _OUTLIERS > lines:
        return np.int64(0)
    while width >= _NARROWEST and (wider + lengths[width]) * _OUTLIERS <= lines:
        wider += lengths[width]
        width -= 1
    return np.int64(width) if width >= _NARROWEST else np.int64(0)


@njit(cache=True, nogil=True)
def _wraps(data, stage1, stage2, starts, ends, all_facts, lines, lengths):  # type: ignore[no-untyped-def]
    """Lines of a hard-wrapped text after which the next word would not have fitted, and those with a terminal."""
    width = _wrap_width(all_facts, lines, lengths)
    if width == 0:
        return np.int64(0), np.int64(0)
    breaks = wraps = terminals = np.int64(0)
    for i in range(1, lines):
        if all_facts[i, OPENS]:
            continue
        breaks += 1
        room = width - all_facts[i - 1, CHARS] - 1
        if room < 1 or room < _first_word(data, starts[i], ends[i], stage1, stage2):
            wraps += 1
            terminals += ends_sentence(data, starts[i - 1], ends[i - 1], stage1, stage2)
    return (wraps, terminals) if wraps * _FEWEST >= breaks else (np.int64(0), np.int64(0))


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
        code, _ = decode_before(data, end)
        counts[TERMINALS] += ends_sentence(data, start, end, stage1, stage2)
        if code == 0x2026 or (
            code == 46 and end - start >= 3 and data[end - 2] == 46 and data[end - 3] == 46
        ):
            counts[ELLIPSES] += 1
        counts[SHORT] += facts[CHARS] <= SHORT_LINE
        counts[CHARACTERS] += facts[CHARS]
        counts[PARAGRAPHS] += facts[OPENS]
        counts[SPACE_WORDS] += facts[WORDS]


@njit(cache=True, nogil=True)
def lines(data, stage1, stage2, found, facts, lengths, counts):  # type: ignore[no-untyped-def]
    """Fills counts (int64, by the constants above) from the lines that the walk found; lengths: int64, WIDEST + 2.

    A copy is a line or paragraph equal to an earlier one (white space at line ends aside); its code points count
    as datatrove's find_duplicates does. A paragraph's length includes the newlines within.
    """
    counts[:] = 0
    number = facts[LINES]
    starts, ends, line_facts, hashes, slots, _ = found
    _shapes(data, stage1, stage2, starts, ends, line_facts, number, counts)
    if number < 2:
        return
    wraps, terminals = _wraps(data, stage1, stage2, starts, ends, line_facts, number, lengths)
    counts[WRAPS], counts[WRAPPED_TERMINALS] = wraps, terminals
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
