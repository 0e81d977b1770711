"""Writes `unicode.npz` from the Unicode data in the `regex` package: `python tools/generate_tables.py`.

Run it to move to a newer Unicode version, then raise the version of every measurer that uses the table.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import regex
from numpy.typing import NDArray

from refinery.text import tables as t

# Not Sentence_Terminal, since they end smaller parts too: Tibetan shads and gter tsheg, Thai angkhankhu and khomut.
SENTENCE_ENDS = "\u0f0d-\u0f12\u0f14\u0e5a\u0e5b"
PROPERTIES = {
    t.LETTER: r"\p{L}",
    t.MARK: r"\p{M}",
    t.DIGIT: r"\p{N}",
    t.PUNCT: r"\p{P}",
    t.SYMBOL: r"[\p{S}\p{Co}\p{Cn}]",
    t.SPACE: r"\p{White_Space}",
    t.UPPER: r"\p{Lu}",
    t.UNSPACED: r"[\p{L}\p{Nl}](?<=[\p{Han}\p{Hiragana}\p{Katakana}\p{Line_Break=SA}ーｰﾞﾟ])",
    t.FULLWIDTH: r"[\p{P}\p{S}](?<=[\p{East_Asian_Width=F}\p{East_Asian_Width=W}])",
    t.TERMINAL: rf"[\p{{Sentence_Terminal}}{SENTENCE_ENDS}]",
    t.FORMAT: r"(?!\u200b)\p{Cf}",
    t.BREAK: r"[\p{White_Space}\p{Cc}\u200b]",
    t.NEWLINE: r"[\n\r\x85\u2028\u2029]",
    t.MID_LETTER: r"[\p{Word_Break=MidLetter}\p{Word_Break=MidNumLet}\p{Word_Break=Single_Quote}]",
    t.MID_NUMBER: r"[\p{Word_Break=MidNum}\p{Word_Break=MidNumLet}\p{Word_Break=Single_Quote}]",
    t.CONNECTOR: r"(?!\s)\p{Word_Break=ExtendNumLet}",
    t.CLOSE: r"[\p{Pe}\p{Pf}\p{Pi}\"']",
}
COMMON_KANA = "ーｰﾞﾟ"  # Script=Common, but part of kana words


def entries() -> NDArray[np.uint32]:
    """Table entry of each code point, shape (0x110000,); surrogates are 0."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    chars = [chr(code) for code in codes]
    made = np.zeros(0x110000, np.uint32)
    for bit, pattern in PROPERTIES.items():
        match = regex.compile(pattern).match
        made[[code for code, char in zip(codes, chars, strict=True) if match(char)]] |= np.uint32(bit)
    for number, script in enumerate(t.SCRIPTS[1:], 1):
        match = regex.compile(rf"\p{{Script={script}}}").match
        inside = [code for code, char in zip(codes, chars, strict=True) if match(char)]
        made[inside] |= np.uint32(number << t.SCRIPT_SHIFT)
    for char in COMMON_KANA:
        made[ord(char)] |= np.uint32(t.SCRIPTS.index("Katakana") << t.SCRIPT_SHIFT)
    return made


def two_stages(entry: NDArray[np.uint32]) -> t.Tables:
    """Stores each different block of 128 entries once, in order of first appearance."""
    numbers: dict[bytes, int] = {}
    blocks = entry.reshape(-1, 1 << t.BLOCK_BITS)
    stage1 = [numbers.setdefault(block.tobytes(), len(numbers)) for block in blocks]
    stage2 = np.frombuffer(b"".join(numbers), np.uint32)
    return t.Tables(np.array(stage1, np.uint16), stage2)


def main(path: Path = t.DATA) -> None:
    """Writes the file."""
    stage1, stage2 = two_stages(entries())
    np.savez_compressed(path, stage1=stage1, stage2=stage2)


if __name__ == "__main__":
    main()
