"""Writes `simplified.npz`, the simplified forms of Chinese characters: `python tools/generate_simplified.py`.

The data are OpenCC's characters (`TSCharacters.txt` beside this file, Apache License 2.0,
https://github.com/BYVoid/OpenCC, data/dictionary); of several simplified forms the first is taken, which is the most
frequent. Run it to move to newer data, then raise the version of the measurers `content` and `minhash`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from refinery.text import fold

DATA = Path(__file__).with_name("TSCharacters.txt")


def pairs(lines: list[str]) -> dict[int, int]:
    """Code point to code point, of lines of a character and its simplified forms; none maps to one that maps on.

    >>> pairs(["戰\\t战", "乾\\t干 乾", "三\\t三"])
    {25136: 25112, 20094: 24178}
    """
    split = (line.split() for line in lines)
    found = {ord(old): ord(new) for old, new, *_ in split if old != new}
    return {old: found.get(new, new) for old, new in found.items()}


def main() -> None:
    """Writes the file."""
    found = pairs(DATA.read_text(encoding="utf-8").splitlines())
    codes = np.array(sorted(found.items()), np.int32)
    np.savez_compressed(fold.SIMPLIFIED, traditional=codes[:, 0], simplified=codes[:, 1])


if __name__ == "__main__":
    main()
