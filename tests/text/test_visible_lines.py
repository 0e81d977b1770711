"""The lines and paragraphs of documents, and documents without some of them."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.cut import slices
from refinery.text.visible_lines import find_lines, paragraphs_of, without_lines

WHITE = "".join(map(chr, range(33))) + "\u0080\u00a0\u3000"
TEXTS = st.lists(st.text(st.sampled_from("ab1}\u00a0\u3000é\u0080 \t\r\n\n\n"), max_size=30), max_size=5)


def lines_of(text: str) -> list[str]:
    return [line.strip(WHITE) for line in text.split("\n")]


def seen(batch: TextBatch, spans) -> list[str]:
    return slices(batch, spans.start, spans.end).to_arrow().to_pylist()


@given(TEXTS)
def test_lines_are_those_of_split(texts):
    """Blank ones aside, each with its document and whether a paragraph begins with it."""
    batch = TextBatch.from_texts(texts)
    found = find_lines(batch)
    every = [(n, ["", *lines_of(text)]) for n, text in enumerate(texts)]
    expected = [(n, b, not a) for n, lines in every for a, b in pairwise(lines) if b]
    assert (
        list(zip(found.document.tolist(), seen(batch, found), found.first.tolist(), strict=True)) == expected
    )
    assert [h > 0 for h in found.hash.tolist()] == [bool(set(line) & set("abé")) for _, line, _ in expected]


@given(TEXTS)
def test_paragraphs_are_what_blank_lines_part(texts):
    """With the number of their lines."""
    batch = TextBatch.from_texts(texts)
    found = paragraphs_of(find_lines(batch))
    blank = f"\n[{re.escape(WHITE)}]*\n"
    parts = [part.strip(WHITE) for text in texts for part in re.split(blank, f"\n{text}\n")]
    assert [re.sub(blank, "\n", one) for one in seen(batch, found)] == [part for part in parts if part]
    assert found.lines.tolist() == [len(part.split("\n")) for part in parts if part]


def without(text: str, listed: set[str]) -> str:
    """What is left of a text, a line at a time."""
    written: list[str] = []
    sides: list[list[str]] = [[]]  # runs of blank lines since the last written line, cut by dropped ones
    for line in text.split("\n"):
        if not line.strip(WHITE):
            sides[-1].append(line)
        elif line.strip(WHITE) in listed:
            sides.append([])
        else:
            blank = max(sides, key=lambda side: len("\n".join(["", *side, ""]).encode()))
            written += ([] if len(sides) > 1 and not written else blank) + [line]
            sides = [[]]
    return "\n".join(written + (sides[0] if len(sides) == 1 else []))


def dropped(texts: list[str], listed: set[str]) -> list[str]:
    batch = TextBatch.from_texts(texts)
    lines = find_lines(batch)
    gone = np.array([line in listed for line in seen(batch, lines)], np.bool_)
    return without_lines(batch, lines, gone).to_arrow().to_pylist()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\nMENU\nb", "a\nb"),
        ("a\n\nMENU\n\nb", "a\n\nb"),
        ("a\nMENU\n\nb", "a\n\nb"),
        ("a\n\n\nMENU\n\nb", "a\n\n\nb"),
        ("MENU\n\na\n\nMENU", "a"),
        ("  MENU\t\r\nb\r\n", "b\r\n"),
        ("\n\na\n\n", "\n\na\n\n"),
        ("MENU", ""),
        ("MENU\nMENU\n", ""),
        ("a MENU\nMENUS", "a MENU\nMENUS"),
        ("}\nMENU\n12\n---", "}\n12\n---"),
        ("", ""),
    ],
)
def test_listed_lines_go_with_the_blank_lines_about_them(text, left):
    """What is between paragraphs stays between them."""
    assert dropped([text], {"MENU"}) == [left] == [without(text, {"MENU"})]


@given(TEXTS, st.sets(st.sampled_from(["a", "b", "é", "ab", "a1", "}a"])))
def test_texts_are_those_of_the_plain_reference(texts, listed):
    """Whatever white space, blank lines and other texts are about."""
    assert dropped(texts, listed) == [without(text, listed) for text in texts]


def test_a_batch_of_which_nothing_goes_is_the_same_batch():
    """Nothing is copied."""
    batch = TextBatch.from_texts(["a\n\nb", "c"])
    assert without_lines(batch, find_lines(batch), np.zeros(3, np.bool_)) is batch


def test_a_part_of_a_batch_is_read_in_its_bounds():
    """As of an Arrow array that is a slice of another."""
    part = TextBatch.from_arrow(TextBatch.from_texts(["a\nb", "b\nc", "c\nd"]).to_arrow().slice(1, 1))
    lines = find_lines(part)
    assert seen(part, lines) == ["b", "c"]
    assert without_lines(part, lines, np.array([False, True])).to_arrow().to_pylist() == ["b"]
