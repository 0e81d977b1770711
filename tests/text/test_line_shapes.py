"""What lines are made of, against a plain reference and by examples."""

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.line_shapes import (
    BULLET,
    CHARS,
    DIGITS,
    ENDS,
    LETTERS,
    LINKED,
    LINKS,
    PUNCTUATION,
    SHAPE,
    UPPERS,
    WORDS,
    shapes,
)
from refinery.text.tables import CLOSE, TERMINAL, flags_of

LINES = st.lists(
    st.text(st.sampled_from("abAÉ9٣ .。!?)”'-–_x中文กk\u00a0\u200b"), min_size=1, max_size=20), max_size=5
)


def shape(text: str) -> np.ndarray:
    batch = TextBatch.from_texts([text])
    found = shapes(batch, batch.offsets[:-1], batch.offsets[1:])
    assert found.shape == (SHAPE, 1)
    return found[:, 0]


def plain(text: str) -> dict[int, int]:
    """The counts that are not about links and lists, a character at a time."""
    kinds = [unicodedata.category(char)[0] for char in text]
    unspaced = [char in "中文ก" for char in text]
    spaced = re.split(
        r"[\s\u200b]", "".join(" " if one else char for char, one in zip(text, unspaced, strict=True))
    )
    ends = [char for char in text if not flags_of(char) & CLOSE]
    return {
        CHARS: len(text),
        WORDS: sum(unspaced) + sum(any(map(str.isalnum, run)) for run in spaced),
        LETTERS: kinds.count("L"),
        DIGITS: kinds.count("N"),
        UPPERS: sum(map(str.isupper, text)),
        PUNCTUATION: kinds.count("P") + kinds.count("S"),
        ENDS: bool(ends) and flags_of(ends[-1]) & TERMINAL > 0,
    }


@given(LINES)
def test_counts_are_those_of_the_plain_reference(lines):
    """In one batch, each part by itself."""
    batch = TextBatch.from_texts(lines)
    found = shapes(batch, batch.offsets[:-1], batch.offsets[1:])
    for line, column in zip(lines, found.T, strict=True):
        assert {row: column[row] for row in plain(line)} == plain(line)


@pytest.mark.parametrize(
    ("text", "links", "linked"),
    [
        ("no link", 0, 0),
        ("https://a.b", 1, 11),
        ("See HTTP://a.b/c now", 1, 12),
        ("www.a.b, www.c.d", 2, 15),
        ("httpx://a.b and awww.b", 0, 0),
        ("(https://a.b)", 1, 11),
        ("[Home](/) | [About us](/about)", 2, 27),
        ("[1] and (2)", 0, 0),
        ("[text](https://a.b) end", 1, 19),
        ("[a](b", 1, 5),
        ("见https://a.b/中文。 后", 1, 15),
    ],
)
def test_links(text, links, linked):
    """Addresses and those of Markdown with their labels."""
    assert shape(text)[[LINKS, LINKED]].tolist() == [links, linked]


@pytest.mark.parametrize(
    ("text", "bullet"),
    [
        ("- a", 1), ("• a", 1), ("*a", 1), ("1. a", 1), ("12) a", 1), ("a) b", 1), ("1、一", 1), ("1.5 mg", 0),
        ("2020 was", 0), ("A. b", 1), ("Dr. b", 0), ("1.", 0), ("text", 0), ("12345. a", 0), ("1.一", 1),
    ],
)  # fmt: skip
def test_entries_of_lists(text, bullet):
    """By a mark or a number; a number of the text is none."""
    assert shape(text)[BULLET] == bullet
