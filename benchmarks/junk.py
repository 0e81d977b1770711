"""Junk made of real text, by kind: what rules should drop.

- boilerplate: what stands on a web page beside its main text, by public gold
- mojibake: real text decoded in a wrong encoding, once or twice
- other_language: real text of other languages
- word_salad: a Markov chain of real text, word by word (character by character where there are no spaces)
- repeated: one paragraph or line of real text over and over, with small changes

Nothing here knows a rule or a threshold. Spam is no kind of it: a collection of real spam is.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from resiliparse.extract.html2text import extract_plain_text

WRONG = (
    ("utf-8", "cp1252"),
    ("utf-8", "latin-1"),
    ("gb18030", "latin-1"),
    ("utf-8", "gb18030"),
    ("utf-8", "koi8-r"),
)


def pages(folder: Path) -> Iterator[tuple[str, str]]:
    """HTML and the text of its main content, from clones of two public sets of gold pages."""
    truth = folder / "ground-truth.json"
    if truth.exists():
        for name, gold in json.loads(truth.read_text("utf-8")).items():
            page = gzip.decompress((folder / f"html/{name}.html.gz").read_bytes())
            yield page.decode("utf-8", "replace"), gold["articleBody"]
    for page_file in sorted(folder.glob("test/test-pages/*/source.html")):
        gold_file = page_file.with_name("expected.html")
        yield (
            page_file.read_text("utf-8", "replace"),
            extract_plain_text(gold_file.read_text("utf-8", "replace")),
        )


def beside(page: str, gold: str) -> str:
    """The lines of a page that are not in its main text."""
    main = "".join(gold.split())
    lines = extract_plain_text(page, main_content=False, alt_texts=False).splitlines()
    return "\n".join(line for line in lines if line.strip() and "".join(line.split()) not in main)


def mojibake(text: str, rng: random.Random) -> str:
    """The text in a wrong encoding."""
    for _ in range(rng.choice((1, 1, 2))):
        right, wrong = rng.choice(WRONG)
        text = text.encode(right, "replace").decode(wrong, "replace")
    return text


def _is_beyond_ascii(text: str) -> bool:
    """Whether a wrong encoding would be seen: one letter in fifty."""
    return 50 * sum(not char.isascii() for char in text) > len(text)


def word_salad(texts: Sequence[str], rng: random.Random, words: int) -> str:
    """A walk over which word followed which in the texts; lines end where theirs did."""
    spaced = sum(text.count(" ") for text in texts) * 12 > sum(map(len, texts))
    pieces = [re.findall(r"\n|\S+" if spaced else r"(?s).", text) for text in texts]
    following: dict[str, list[str]] = defaultdict(list)
    for sequence in pieces:
        for one, other in pairwise(sequence):
            following[one].append(other)
    word = rng.choice(rng.choice(pieces))
    made = [word]
    while len(made) < words:
        word = rng.choice(following.get(word) or rng.choice(pieces))
        made.append(word)
    return (" " if spaced else "").join(made)


def repeated(text: str, rng: random.Random) -> str:
    """One paragraph of the text many times, a number or nothing changed."""
    paragraph = rng.choice([line for line in text.splitlines() if line.strip()] or [text])[:2000]
    return "\n".join(
        f"{paragraph} {i if rng.random() < 0.5 else ''}".rstrip() for i in range(rng.randint(5, 60))
    )


def made_of(
    texts: Sequence[str], others: Sequence[str], gold: Sequence[Path], count: int, seed: int = 1
) -> dict[str, list[str]]:
    """Up to `count` documents of each kind, of texts, of others in other languages, of folders of gold pages."""
    rng = random.Random(seed)
    some = [rng.choice(texts)[:20_000] for _ in range(count)]
    kinds: dict[str, Callable[[], list[str]]] = {
        "boilerplate": lambda: [beside(*page) for folder in gold for page in pages(folder)][:count],
        "mojibake": lambda: [mojibake(text, rng) for text in [*some, *others] if _is_beyond_ascii(text)][
            :count
        ],
        "other_language": lambda: [others[i % len(others)] for i in range(count)] if others else [],
        "word_salad": lambda: [
            word_salad(rng.sample(list(texts), min(3, len(texts))), rng, rng.randint(80, 800))
            for _ in range(count)
        ],
        "repeated": lambda: [repeated(text, rng) for text in some],
    }
    return {kind: [text for text in make() if len(text) > 100] for kind, make in kinds.items()}
