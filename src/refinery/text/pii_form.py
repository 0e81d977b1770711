"""The form of a text in which personal data is looked for: one byte a character, with the place it came from.

Full-width forms are as their ASCII ones, every space but a newline is a space, hyphens, minus and en dash are "-";
joiners, soft hyphens and zero-width spaces are left out. Latin, Greek and Cyrillic letters beyond ASCII are
ALPHABETIC. All else, Han, kana and Hangul among it, is OTHER: it ends a word, as no space does in such scripts.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.tables import FORMAT, LETTER, MARK, NEWLINE, SCRIPT_SHIFT, SCRIPTS, SPACE, decode, lookup

ALPHABETIC, OTHER = 0x80, 0x81  # bytes of the form that are no ASCII
MARGIN = 4  # newlines after a form's end, so that a look ahead needs no bounds

IS_DIGIT, IS_UPPER, IS_LOWER, IS_ALPHABETIC, IS_JOINT = 1, 2, 4, 8, 16
IS_ALNUM = IS_DIGIT | IS_UPPER | IS_LOWER
IS_WORD = IS_ALNUM | IS_ALPHABETIC
CLASS = np.zeros(256, np.uint8)
CLASS[48:58], CLASS[65:91], CLASS[97:123] = IS_DIGIT, IS_UPPER, IS_LOWER
CLASS[ALPHABETIC] = IS_ALPHABETIC
CLASS[[ord(joint) for joint in "-_"]] = IS_JOINT  # what joins the parts of a key or a name

_LATIN, _GREEK, _CYRILLIC = (SCRIPTS.index(name) for name in ("Latin", "Greek", "Cyrillic"))
_WIDE_FIRST, _WIDE_LAST, _WIDE = 0xFF01, 0xFF5E, 0xFEE0


@njit(cache=True, nogil=True)
def _folded(code, stage1, stage2):  # type: ignore[no-untyped-def]
    """The byte of a code point beyond ASCII; 0 for one that is left out."""
    if _WIDE_FIRST <= code <= _WIDE_LAST:
        return code - _WIDE
    if 0x2010 <= code <= 0x2013 or code == 0x2212:
        return 45
    if code == 0xFE6B:
        return 64
    entry = np.int64(lookup(code, stage1, stage2))
    if entry & FORMAT or code == 0x200B:
        return 0
    if entry & SPACE:
        return 10 if entry & NEWLINE else 32
    script = entry >> SCRIPT_SHIFT
    if entry & MARK or (entry & LETTER and script in (_LATIN, _GREEK, _CYRILLIC)):
        return ALPHABETIC
    return OTHER


@njit(cache=True, nogil=True)
def write_form(data, start, end, tables, form, at):  # type: ignore[no-untyped-def]
    """Writes the form of data[start:end] from form[1] on; returns where it ends.

    at: int64, where in data each byte of the form begins. form[0] and MARGIN bytes after the end are newlines.
    """
    stage1, stage2 = tables
    form[0], at[0] = 10, start
    size, position = np.int64(1), np.int64(start)
    while position < end:
        byte = data[position]
        if byte < 128:
            form[size], at[size] = byte, position
            size += 1
            position += 1
            continue
        code, width = decode(data, position)
        folded = _folded(code, stage1, stage2)
        if folded:
            form[size], at[size] = folded, position
            size += 1
        position += width
    for i in range(MARGIN):
        form[size + i], at[size + i] = 10, end
    return size


@njit(cache=True, nogil=True)
def end_of(data, position):  # type: ignore[no-untyped-def]
    """Where the character ends that begins at a position of data."""
    byte = data[position]
    if byte < 0x80:
        return position + 1
    return position + (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
