"""What each code point is, as a table that kernels look up, and UTF-8 decoding.

The table is made from Unicode data by `tools/generate_tables.py` and shipped as `unicode.npz`, so that a document
measures the same on every Python version. A code point's entry is a uint32: the flags below, and its script in the
top byte. Unassigned and private code points count as symbols.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

DATA = Path(__file__).with_name("unicode.npz")
BLOCK_BITS = 7  # code points are stored in blocks of 128: ASCII is the first block

LETTER = 1 << 0  # category L
MARK = 1 << 1  # category M: vowel signs, accents, variation selectors
DIGIT = 1 << 2  # category N: decimal digits, letter numbers, fractions
PUNCT = 1 << 3  # category P
SYMBOL = 1 << 4  # category S, private or unassigned
SPACE = 1 << 5  # White_Space, newlines included
UPPER = 1 << 6  # category Lu
UNSPACED = 1 << 7  # a letter of a script written without spaces: Han, kana, Thai, Lao, Khmer, Myanmar, Tai
FULLWIDTH = 1 << 8  # punctuation or symbol with East_Asian_Width F or W
TERMINAL = 1 << 9  # ends a sentence in some script: Sentence_Terminal, Tibetan and Thai marks
FORMAT = 1 << 10  # category Cf but U+200B: joiners, direction marks, soft hyphen
BREAK = 1 << 11  # ends a token and is in none: SPACE, control characters, U+200B
NEWLINE = 1 << 12  # LF, CR, NEL, LS, PS
MID_LETTER = 1 << 13  # joins two letters (UAX #29 MidLetter, MidNumLet, Single_Quote)
MID_NUMBER = 1 << 14  # joins two digits (UAX #29 MidNum, MidNumLet, Single_Quote)
CONNECTOR = 1 << 15  # joins letters and digits (UAX #29 ExtendNumLet)
CLOSE = 1 << 16  # may stand between a sentence's end and the space after it: quotes, closing brackets

SCRIPT_SHIFT = 24
SCRIPTS = (
    "Other",
    "Latin",
    "Han",
    "Hiragana",
    "Katakana",
    "Hangul",
    "Cyrillic",
    "Arabic",
    "Devanagari",
    "Thai",
    "Greek",
    "Hebrew",
    "Bengali",
    "Tamil",
    "Lao",
    "Khmer",
    "Myanmar",
    "Bopomofo",
)


class Tables(NamedTuple):
    """The two-stage table, read-only: `stage2[(stage1[code >> 7] << 7) + (code & 127)]`.

    stage1: uint16, shape (8704,); stage2: uint32, shape (blocks * 128,). stage2[:128] is ASCII.
    """

    stage1: NDArray[np.uint16]
    stage2: NDArray[np.uint32]


@cache
def tables() -> Tables:
    """Loads the table once a process (about 5 ms)."""
    with np.load(DATA) as data:
        found = Tables(data["stage1"], data["stage2"])
    for array in found:
        array.flags.writeable = False
    return found


def flags_of(char: str) -> int:
    """A character's table entry, for use outside kernels.

    >>> flags_of("ก") & UNSPACED > 0, flags_of("a") & UNSPACED > 0
    (True, False)
    """
    stage1, stage2 = tables()
    code = ord(char)
    return int(stage2[(int(stage1[code >> BLOCK_BITS]) << BLOCK_BITS) + (code & 127)])


@njit(cache=True, nogil=True)
def lookup(code, stage1, stage2):  # type: ignore[no-untyped-def]
    """Entry (uint32) of a code point (int64)."""
    return stage2[(np.int64(stage1[code >> 7]) << 7) + (code & 127)]


@njit(cache=True, nogil=True)
def decode(data, position):  # type: ignore[no-untyped-def]
    """Code point (int64) that starts at `position` of valid UTF-8, and its length in bytes (int64)."""
    first = np.int64(data[position])
    if first < 0x80:
        return first, np.int64(1)
    second = np.int64(data[position + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, np.int64(2)
    third = np.int64(data[position + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, np.int64(3)
    return (first & 0x07) << 18 | second << 12 | third << 6 | (np.int64(data[position + 3]) & 0x3F), np.int64(
        4
    )


@njit(cache=True, nogil=True)
def decode_before(data, end):  # type: ignore[no-untyped-def]
    """Code point (int64) that ends at `end` of valid UTF-8, and where it starts."""
    start = end - 1
    while data[start] & 0xC0 == 0x80:
        start -= 1
    code, _ = decode(data, start)
    return code, start
