"""Key texts in which what a filter is to be evaded with is folded too: signs between letters, look-alikes.

Beyond the key text (refinery.text.fold, where full width, capitals, and spaces and symbols between Chinese characters
are gone already): traditional characters become simplified ones; emoji and combining marks, accents among them, leave
nothing; circled and other digits and letters of Unicode's symbols become plain, Cyrillic and Greek letters the Latin
ones that they look like (a choice from Unicode's confusables.txt, UTS #39).
"""

from __future__ import annotations

from functools import cache

import numpy as np

from refinery.text import fold

# Each range of symbols, and the digit or letter that its first one stands for.
_RUNS = (
    (0x2776, 0x277E, "1"), (0x2780, 0x2788, "1"), (0x278A, 0x2792, "1"), (0x24F5, 0x24FD, "1"),
    (0x24FF, 0x24FF, "0"), (0x3007, 0x3007, "0"), (0x1F10B, 0x1F10C, "0"), (0x1F150, 0x1F169, "a"),
    (0x1F170, 0x1F189, "a"), (0x1F1E6, 0x1F1FF, "a"),
)  # fmt: skip
_LETTERS = {"аеорсухіѕјԁԛԝ": "aeopcyxisjdqw", "αονρχικυτ": "aovpxikut"}


def replacements() -> dict[int, int]:
    """Code points and the plain digit or Latin letter that each looks like.

    >>> [chr(replacements()[ord(char)]) for char in "❸🅱о"]
    ['3', 'b', 'o']
    """
    found = {
        code: ord(first) + (code - low if first != "0" else 0)
        for low, high, first in _RUNS
        for code in range(low, high + 1)
    }
    for alike, latin in _LETTERS.items():
        found |= {ord(old): ord(new) for old, new in zip(alike, latin, strict=True)}
    return found


@cache
def tables() -> fold.Tables:
    """The folding tables, made once a process (about 30 ms)."""
    plain = fold.tables(simplified=True)
    codes = np.arange(0x110000, dtype=np.int32)
    kinds = plain.stage2.reshape(-1, 128)[plain.stage1].reshape(-1) & fold.CLASS
    is_emoji = (kinds == fold.CHAR) & (
        (codes >= 0x1F000) & (codes < 0x20000) | (codes >= 0x2300) & (codes < 0x2C00)
    )
    pairs = np.array(sorted(replacements().items()), np.int32)
    dropped = codes[((kinds == fold.MARK) | is_emoji) & ~np.isin(codes, pairs[:, 0])]
    return fold.with_replacements(plain, pairs[:, 0], pairs[:, 1], dropped)
