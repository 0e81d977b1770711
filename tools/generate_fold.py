"""Writes `fold.npz` from Unicode data: `python tools/generate_fold.py`.

Decompositions, combining classes and case foldings come from this Python's `unicodedata`, classes from the `regex`
package. Run it to move to a newer Unicode version, then raise the version of the measurers `content` and `minhash`.
"""

from __future__ import annotations

import unicodedata

import numpy as np
import regex
from numpy.typing import NDArray

from refinery.text import fold

CLASSES = {
    fold.WORD: r"[\p{L}\p{N}\p{Co}\p{Cn}]",  # unknown and private characters may be letters: they stay
    fold.MARK: r"\p{M}",
    fold.CHAR: r"[\p{L}\p{Nl}](?<=[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰ])|\p{Emoji_Presentation}",
    fold.DROPPED: r"(?!\u200b)\p{Default_Ignorable_Code_Point}",
}
IOTA_SUBSCRIPT = (
    "\u0345"  # a mark whose case folding is a letter; it stays a mark, so that order does not matter
)


def folded(char: str) -> str:
    """A character's canonical and compatibility decomposition, case folded, decomposed again."""
    first = unicodedata.normalize("NFKD", char)
    cased = "".join(c if c == IOTA_SUBSCRIPT else c.casefold() for c in first)
    return unicodedata.normalize("NFKD", cased)


def entries() -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Table entry of each code point, shape (0x110000,), and the expansions they point into (see fold.Tables)."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    made = np.full(0x110000, fold.SEPARATOR, np.uint32)
    for kind, pattern in CLASSES.items():
        match = regex.compile(pattern).match
        made[[code for code in codes if match(chr(code))]] = kind
    expansions: list[int] = [0]
    places: dict[str, int] = {}
    for code in codes:
        char = chr(code)
        made[code] |= np.uint32(unicodedata.combining(char) << fold.CCC_SHIFT)
        if 0xAC00 <= code < 0xAC00 + 11172:
            made[code] = fold.HANGUL
        elif made[code] & fold.CLASS != fold.DROPPED and (target := folded(char)) != char:
            if target not in places:
                places[target] = len(expansions)
                expansions += [len(target), *map(ord, target)]
            made[code] |= np.uint32(places[target] << fold.EXPANSION_SHIFT)
    return made, np.array(expansions, np.int32)


def main() -> None:
    """Writes the file: each different block of 128 entries once."""
    entry, expansions = entries()
    numbers: dict[bytes, int] = {}
    blocks = entry.reshape(-1, 128)
    stage1 = [numbers.setdefault(block.tobytes(), len(numbers)) for block in blocks]
    stage2 = np.frombuffer(b"".join(numbers), np.uint32)
    np.savez_compressed(fold.DATA, stage1=np.array(stage1, np.uint16), stage2=stage2, expansions=expansions)


if __name__ == "__main__":
    main()
