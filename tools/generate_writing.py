"""Writes `writing.npz`, what each code point says of a text's language: `python tools/generate_writing.py`.

Scripts and letters are those of the `regex` package's Unicode data; characters of simplified and of traditional
Chinese alone, and old forms that Japanese gave up, those of OpenCC (Apache License 2.0) in
`opencc-python-reimplemented`; which characters a country writes, its coded character set: JIS X 0208 of Japan, GB
2312 of China, Big5 of Taiwan. Run it to move to newer data, then raise the version of the measurer `language`.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import regex

from refinery.text import writing as w
from refinery.text.tables import BLOCK_BITS

HAN = [chr(code) for code in range(0x3400, 0x10000)]
# Written in Cantonese and rarely in any other text, law, classical medicine and software: Cheung and Bauer, The
# representation of Cantonese with Chinese characters, 2002. Without 唔 and 佢, which Hakka has too.
CANTONESE = "嘅咗喺嚟嗰啲冇咁哋攞噉嘢㗎啱"
WU = "侬儂搿伲覅朆"  # Shanghainese and Suzhou: you, this, we, do not, have not
# Words of written Chinese of any age that Japanese without kana has not.
PARTICLES = "也之而其於于则則乃若吾汝矣焉哉乎了我你他她吗嗎呢吧很那哪什么麼着著过過把被让讓给給"
# The comma, semicolon, question mark and quotes of Chinese; Japanese has 、 and 「」.
POINTS = "，；？“”"


def coded(char: str, encoding: str) -> bool:
    """Whether a country's double-byte character set has the character."""
    try:
        return len(char.encode(encoding)) == 2
    except UnicodeEncodeError:
        return False


def one_sided(name: str) -> set[str]:
    """Characters that the other way of writing does without, of OpenCC's file of characters and their forms there."""
    text = (files("opencc") / "dictionary" / name).read_text(encoding="utf-8")
    rows = (line.split() for line in text.splitlines())
    return {old for old, *new in rows if len(old) == 1 and old not in new}


def flags() -> dict[str, int]:
    """What says which language or form of Chinese a character is of."""
    japan, china, taiwan = (
        {char for char in HAN if coded(char, encoding)} for encoding in ("shift_jis", "gb2312", "big5")
    )
    sets = {
        w.JAPANESE: japan - china - taiwan,
        w.CHINESE: ((china | taiwan) - japan) | one_sided("JPVariants.txt") | set(PARTICLES) | set(POINTS),
        w.TRADITIONAL: one_sided("TSCharacters.txt"),
        w.SIMPLIFIED: one_sided("STCharacters.txt"),
        w.CANTONESE: set(CANTONESE),
        w.WU: set(WU),
    }
    found: dict[str, int] = {}
    for flag, chars in sets.items():
        for char in chars:
            found[char] = found.get(char, 0) | flag
    return found


def main() -> None:
    """Writes the file."""
    entry = np.zeros(0x110000, np.int64)
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for number, script in enumerate(w.SCRIPTS[1:], 1):
        match = regex.compile(rf"[\p{{L}}&&\p{{Script={script}}}]", flags=regex.V1).match
        entry[[code for code in codes if match(chr(code))]] = number | w.LETTER
    letter, upper = (regex.compile(pattern).match for pattern in (r"\p{L}", r"\p{Lu}"))
    entry[[code for code in codes if letter(chr(code))]] |= w.LETTER
    entry[[code for code in codes if upper(chr(code))]] |= w.UPPER
    for char, found in flags().items():
        entry[ord(char)] |= found
    kinds, kind = np.unique(entry, return_inverse=True)
    blocks = kind.astype(np.uint8).reshape(-1, 1 << BLOCK_BITS)
    stage2, stage1 = np.unique(blocks, axis=0, return_inverse=True)
    np.savez_compressed(
        w.DATA, stage1=stage1.astype(np.uint16), stage2=stage2.reshape(-1), kinds=kinds.astype(np.int32)
    )


if __name__ == "__main__":
    main()
