"""Which kinds of copies near dedup takes for one document: copies are planted, and the share that goes is told.

    python benchmarks/copies.py --english FILE --chinese FILE [--documents 200]

FILE is Parquet with a `text` column. The kinds:

- repost: the same body between another header and footer; both have some.
- scan N %: of each hundred letters and digits N are others, as a bad scan has it.
- scanned repost: both of these, 1 %.
- replaced N %: of each hundred words (Chinese: characters) N are others.
- moved: five pairs of sentences are exchanged.
- cut: the last quarter is not there.
- amended N: N sentences are replaced by sentences of another document; half amended 3: the middle half of three.
- inserted: a sentence of another document is added.

Amendments and insertions leave the first and the last two sentences alone.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from harness import Sheet, report
from planting import is_unspaced, tokens

import refinery

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "{} (default)": {},
    "{similarity: 0.7}": {"similarity": 0.7},
    "{measure: containment}": {"measure": "containment"},
    "{by: characters}": {"by": "characters"},
    "{words: 3, chars: 6, measure: containment}": {"words": 3, "chars": 6, "measure": "containment"},
    "the same, keep_versions: true": {
        "words": 3,
        "chars": 6,
        "measure": "containment",
        "keep_versions": True,
    },
    "the same, similarity: 0.7": {
        "similarity": 0.7,
        "words": 3,
        "chars": 6,
        "measure": "containment",
        "keep_versions": True,
    },
}
HEADERS = {
    False: (
        "Home | About | Contact | Newsletter\nYou are here: Library > Articles > Print version\n",
        "Menu Search Sign in Subscribe Today's top stories Weather Sports\nShare this page with a friend\n",
    ),
    True: (
        "首页 > 政策法规 > 法律法规库 来源:本站 字体:大 中 小\n",
        "当前位置:网站首页 政务公开 打印本页 关闭窗口\n",
    ),
}
FOOTERS = {
    False: (
        "\nCopyright Health Library. All rights reserved. The content does not replace the advice of a doctor.",
        "\nRead more from this section. Related links: prevention, symptoms, research. Privacy. Accessibility.",
    ),
    True: (
        "\n主办:某某市人民政府办公厅 技术支持:信息中心 备案序号 联系我们 网站地图",
        "\n上一篇 下一篇 相关阅读 责任编辑 扫一扫在手机打开当前页 本站信息仅供参考",
    ),
}
_SENTENCE = re.compile(r"(?<=[。；！？\n])|(?<=[.!?])\s+(?=[A-Z])")
_HAN = "的了一是不在有人我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"


@dataclass(frozen=True)
class Text:
    """A document, and another one of which words and sentences are taken."""

    text: str
    other: str

    @property
    def glue(self) -> str:
        """What stands between two words or sentences."""
        return "" if is_unspaced(self.text) else " "


Pair = tuple[str, str]


def repost(text: Text, _: random.Random) -> Pair:
    """The body with one header and footer, and with another."""
    zh = is_unspaced(text.text)
    one, other = zip(HEADERS[zh], FOOTERS[zh], strict=True)
    return text.text.join(one), text.text.join(other)


def scanned(text: str, share: float, rng: random.Random) -> str:
    """Some of the letters are others."""

    def slip(char: str) -> str:
        return rng.choice(_HAN if char > "\u3000" else "abcdefghijklmnopqrstuvwxyz")

    return "".join(slip(c) if c.isalnum() and rng.random() < share else c for c in text)


def scanned_repost(text: Text, rng: random.Random) -> Pair:
    """A repost of which one is scanned."""
    one, other = repost(text, rng)
    return one, scanned(other, 0.01, rng)


def replaced(text: Text, share: float, rng: random.Random) -> Pair:
    """Some of the words are others."""
    words, others = ((list(t) if not text.glue else t.split(" ")) for t in (text.text, text.other))
    return text.text, text.glue.join(rng.choice(others) if rng.random() < share else word for word in words)


def sentences(text: str) -> list[str]:
    """At the ends of lines and sentences."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


def moved(text: Text, rng: random.Random) -> Pair:
    """Five pairs of sentences are exchanged."""
    found = sentences(text.text)
    for _ in range(5):
        i, j = rng.sample(range(len(found)), 2)
        found[i], found[j] = found[j], found[i]
    return text.text, text.glue.join(found)


def cut(text: Text, _: random.Random) -> Pair:
    """The last quarter is not there."""
    return text.text, text.text[: len(text.text) * 3 // 4]


def amended(text: Text, count: int, rng: random.Random) -> Pair:
    """Some sentences are another document's."""
    found, others = sentences(text.text), _long(sentences(text.other))
    for place in rng.sample(_long_places(found), count):
        found[place] = rng.choice(others)
    return text.text, text.glue.join(found)


def half_amended(text: Text, rng: random.Random) -> Pair:
    """The middle half of three sentences is another document's."""
    found = sentences(text.text)
    others = list(text.other) if not text.glue else text.other.split()
    for place in rng.sample(_long_places(found), 3):
        words = list(found[place]) if not text.glue else found[place].split()
        quarter = len(words) // 4
        start = rng.randrange(max(len(others) - 2 * quarter, 1))
        words[quarter : 3 * quarter] = others[start : start + 2 * quarter]
        found[place] = text.glue.join(words)
    return text.text, text.glue.join(found)


def inserted(text: Text, rng: random.Random) -> Pair:
    """A sentence of the other document is added."""
    found = sentences(text.text)
    found.insert(rng.randrange(3, len(found) - 3), rng.choice(_long(sentences(text.other))))
    return text.text, text.glue.join(found)


def _long(found: list[str]) -> list[str]:
    return [sentence for sentence in found if len(tokens(sentence)) >= 12]


def _long_places(found: list[str]) -> list[int]:
    return [place for place in range(2, len(found) - 2) if len(tokens(found[place])) >= 12]


KINDS: Mapping[str, Callable[[Text, random.Random], Pair]] = {
    "repost": repost,
    "scan 0.5 %": lambda text, rng: (text.text, scanned(text.text, 0.005, rng)),
    "scan 1 %": lambda text, rng: (text.text, scanned(text.text, 0.01, rng)),
    "scan 2 %": lambda text, rng: (text.text, scanned(text.text, 0.02, rng)),
    "scanned repost": scanned_repost,
    "replaced 1 %": lambda text, rng: replaced(text, 0.01, rng),
    "replaced 3 %": lambda text, rng: replaced(text, 0.03, rng),
    "moved": moved,
    "cut": cut,
    "amended 1": lambda text, rng: amended(text, 1, rng),
    "amended 3": lambda text, rng: amended(text, 3, rng),
    "half amended 3": half_amended,
    "inserted": inserted,
}


def texts_of(file: Path, count: int) -> list[Text]:
    """Documents of 800 to 9,000 characters with ten sentences and more, each with the next one."""
    found = [
        text
        for text in pl.read_parquet(file, columns=["text"])["text"].unique(maintain_order=True).to_list()
        if 800 <= len(text) <= 9000 and len(_long_places(sentences(text))) >= 3 and len(sentences(text)) >= 10
    ]
    if len(found) < 2:
        sys.exit(f"{file}: fewer than two documents are of the length and the sentences that are wanted")
    random.Random(1).shuffle(found)
    return [Text(one, other) for one, other in pairwise(found[: count + 1])]


def gone(pairs: list[Pair], near: Mapping[str, Any]) -> float:
    """The share of pairs of which the second document goes for the first."""
    number = np.arange(2 * len(pairs)) // 2
    texts = pa.table({"text": [text for pair in pairs for text in pair], "pair": number})
    return refinery.duplicates(texts, near={**near, "within": ["pair"]}).num_rows / len(pairs)


def sheet(title: str, texts: list[Text]) -> Sheet:
    """A row for each kind, a column for each of the settings."""
    rows = []
    for name, plant in KINDS.items():
        pairs = [plant(text, random.Random(n)) for n, text in enumerate(texts)]
        rows.append((name, *(f"{gone(pairs, near):.2f}" for near in SETTINGS.values())))
    return Sheet(title, ("copies", *SETTINGS), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--english", type=Path)
    parser.add_argument("--chinese", type=Path)
    parser.add_argument("--documents", type=int, default=200, help="of each language")
    parser.add_argument("--json", help="write the tables as JSON to this file, - for standard output")
    options = parser.parse_args()
    given = {"English": options.english, "Chinese": options.chinese}
    sheets = [
        sheet(f"{name}: share of copies that go", texts_of(file, options.documents))
        for name, file in given.items()
        if file
    ]
    report("Kinds of copies", sheets, options.json)


if __name__ == "__main__":
    main()
