"""Kernel: one newline form, no control characters, no trailing spaces, at most one blank line in a row."""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

SUSPECT = 255  # in the table: a code point that may not stand in NFC, or may compose with the one before it
TABLE_POINTS = 0x20000  # planes 0 and 1; above them only U+2F800..U+2FA1F are not NFC


@cache
def composition_table() -> NDArray[np.uint8]:
    """uint8 (0x20000,): SUSPECT, else the canonical combining class of each code point (254 at most).

    A text whose code points are not SUSPECT and whose combining classes do not descend is in NFC: the quick
    check of Unicode Standard Annex 15, section 9, from the `unicodedata` of this Python.
    """
    table = np.zeros(TABLE_POINTS, np.uint8)
    for code in range(0x300, TABLE_POINTS):
        char = chr(code)
        table[code] = unicodedata.combining(char)
        parts = unicodedata.decomposition(char)
        if parts and not parts.startswith("<"):
            if unicodedata.normalize("NFC", char) != char:
                table[code] = SUSPECT
            table[[int(part, 16) for part in parts.split()[1:] if int(part, 16) < TABLE_POINTS]] = SUSPECT
    table[0x1161:0x1176] = SUSPECT  # Hangul vowels and finals, composed by rule and not by table
    table[0x11A8:0x11C3] = SUSPECT
    return table


@njit(cache=True, nogil=True)
def rewrite(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint8],
    out: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    suspect: NDArray[np.bool_],
) -> bool:
    """Writes document i's new text to `out[bounds[i]:bounds[i + 1]]`; True if any byte changed.

    CR LF, CR, VT, FF, NEL, LS and PS become LF; other controls, U+FEFF and noncharacters go; spaces (also
    U+00A0 and U+3000) before a newline or the end go; three newlines or more become two; newlines at either
    end go. `suspect` marks documents that may not be in NFC. `out` needs the bytes
    that the texts have, never more.
    """
    changed = False
    size = 0
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        start = size
        solid = size  # where the last visible character ended
        newlines = 0  # newlines since then
        replaced = False
        doubtful = False
        combining = np.uint8(0)
        length = end - position
        while position < end:
            byte = data[position]
            if newlines == 0 and 0x20 < byte < 0x7F:  # the bulk of most text
                out[size] = byte
                size += 1
                solid = size
                combining = np.uint8(0)
                position += 1
                continue
            kind = 0  # 0 visible, 1 space, 2 newline, 3 dropped
            width = 1
            if byte < 0x80:
                if byte <= 0x20 or byte == 0x7F:
                    if byte in (0x20, 0x09):
                        kind = 1
                    elif byte == 0x0A:
                        kind = 2
                    elif byte == 0x0D:
                        kind = 2
                        replaced = True
                        if position + 1 < end and data[position + 1] == 0x0A:
                            width = 2
                    elif byte in (0x0B, 0x0C):
                        kind = 2
                        replaced = True
                    else:
                        kind = 3
                if kind != 3:
                    combining = np.uint8(0)
            else:
                if byte < 0xE0:
                    width = 2
                    code = np.int64(byte & 0x1F) << 6 | (data[position + 1] & 0x3F)
                elif byte < 0xF0:
                    width = 3
                    code = (
                        np.int64(byte & 0x0F) << 12
                        | np.int64(data[position + 1] & 0x3F) << 6
                        | (data[position + 2] & 0x3F)
                    )
                else:
                    width = 4
                    code = (
                        np.int64(byte & 0x07) << 18
                        | np.int64(data[position + 1] & 0x3F) << 12
                        | np.int64(data[position + 2] & 0x3F) << 6
                        | (data[position + 3] & 0x3F)
                    )
                if code in (0x85, 0x2028, 0x2029):
                    kind = 2
                elif code < 0xA0 or code == 0xFEFF or (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF:
                    kind = 3
                elif code in (0xA0, 0x3000):
                    kind = 1
                if kind != 3:
                    group = np.uint8(0)
                    if code >= 0x300:
                        if code < TABLE_POINTS:
                            group = table[code]
                        elif 0x2F800 <= code <= 0x2FA1F:
                            group = np.uint8(SUSPECT)
                    if group == SUSPECT or (group != 0 and group < combining):
                        doubtful = True
                    combining = group
            if kind == 2:
                size = solid
                newlines += 1
            elif kind != 3:
                if size == solid and newlines > 0 and solid > start:
                    out[size] = 0x0A
                    size += 1
                    if newlines > 1:
                        out[size] = 0x0A
                        size += 1
                for index in range(width):
                    out[size + index] = data[position + index]
                size += width
                if kind == 0:
                    solid = size
                    newlines = 0
            position += width
        size = solid
        bounds[document] = start
        suspect[document] = doubtful
        if replaced or size - start != length:
            changed = True
    bounds[offsets.shape[0] - 1] = size
    return changed
