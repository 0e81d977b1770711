"""Items of benchmarks made of documents, and what becomes of one before it is planted; see decontamination.py."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

SENTENCES = {"en": re.compile(r"(?<=[.!?])\s+|\n"), "zh": re.compile(r"(?<=[。！？；])|\n")}


@dataclass(frozen=True)
class Item:
    """A text of a benchmark, made of document `source` of ITEMS; kind: as the tables call it."""

    kind: str
    language: str
    text: str
    source: int


def english_items(texts: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the document, question, sentences of the answer."""
    for number, text in enumerate(texts):
        question, _, answer = text.partition("\n")
        sentences = [one for one in SENTENCES["en"].split(answer) if 20 < len(one) < 150]
        if len(re.findall(r"\w+", question)) >= 8 and sentences:
            yield number, question, sentences


def chinese_items(texts: Sequence[str]) -> Iterator[tuple[int, str, list[str]]]:
    """Number of the statute, an article without its number, the statute's sentences."""
    for number, text in enumerate(texts):
        articles = re.findall(r"^第[一二三四五六七八九十百]+条[\s\u3000]+(.{40,200})$", text, re.MULTILINE)
        sentences = [
            one for article in articles for one in re.split("[，。；]", article) if 10 < len(one) < 40
        ]
        if len(articles) > 6 and len(sentences) > 6:
            yield number, articles[5], sentences


def make_benchmark(language: str, texts: Sequence[str], count: int, rng: random.Random) -> list[Item]:
    """`count` questions as they are and as many with choices."""
    found = list({"en": english_items, "zh": chinese_items}[language](texts))
    rng.shuffle(found)
    items = [Item("as it is", language, question, source) for source, question, _ in found[:count]]
    for source, question, sentences in found[count : 2 * count]:
        wrong = [rng.choice(rng.choice(found)[2]) for _ in range(3)]
        choices = [rng.choice(sentences), *wrong]
        rng.shuffle(choices)
        lines = [question, *(f"{letter}. {choice}" for letter, choice in zip("ABCD", choices, strict=True))]
        items.append(Item("multiple choice", language, "\n".join(lines), source))
    return items


def typed(item: Item, words: int, rng: random.Random) -> str:
    """One letter is another one in so many words, or one character in half as many more."""
    pieces = item.text.split(" ") if item.language == "en" else list(item.text)
    step = words if item.language == "en" else words * 3 // 2
    letters = "abcdefghijklmnopqrstuvwxyz" if item.language == "en" else "的一是在不了有和人这中大为上个国"
    for start in range(0, len(pieces), step):
        at = min(start + rng.randrange(step), len(pieces) - 1)
        place = rng.randrange(max(len(pieces[at]), 1))
        pieces[at] = pieces[at][:place] + rng.choice(letters) + pieces[at][place + 1 :]
    return (" " if item.language == "en" else "").join(pieces)


def cut(item: Item) -> str:
    """The middle 60 %."""
    pieces = item.text.split(" ") if item.language == "en" else list(item.text)
    fifth = len(pieces) // 5
    return (" " if item.language == "en" else "").join(pieces[fifth : len(pieces) - fifth])


def reordered(item: Item, rng: random.Random) -> str:
    """The choices in another order, or the clauses of a question without choices."""
    if item.kind == "multiple choice":
        question, *choices = item.text.split("\n")
        texts = [choice[3:] for choice in choices]
        rng.shuffle(texts)
        return "\n".join([question, *(f"{a}. {t}" for a, t in zip("ABCD", texts, strict=True))])
    clauses = re.split(r"(?<=[,，；;])", item.text)
    return "".join(clauses[1:] + clauses[:1])


CHANGES: dict[str, Callable[[Item, random.Random], str]] = {
    "whole": lambda item, _: item.text,
    "cut to 60 %": lambda item, _: cut(item),
    "reordered": reordered,
    "error in 30 words": lambda item, rng: typed(item, 30, rng),
    "error in 10 words": lambda item, rng: typed(item, 10, rng),
}
