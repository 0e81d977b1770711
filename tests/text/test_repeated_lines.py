"""Lines as hashes, and texts without the lines that are listed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.repeated_lines import distinct_lines, drop_lines

WHITE = "".join(map(chr, range(33))) + "\u0080\u00a0\u3000"
TEXTS = st.lists(st.text(st.sampled_from("ab1}\u00a0\u3000é\u0080 \t\r\n\n\n"), max_size=30), max_size=5)


def lines_of(text: str) -> list[str]:
    return [line.strip(WHITE) for line in text.split("\n")]


def hash_of(line: str) -> int:
    (found,) = distinct_lines(TextBatch.from_texts([line])).tolist()
    return found


def hashes(lines) -> np.ndarray:
    return np.array(sorted(map(hash_of, lines)), np.uint64)


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
    return drop_lines(TextBatch.from_texts(texts), hashes(listed)).to_arrow().to_pylist()


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


@given(TEXTS)
def test_each_line_is_found_once_a_document(texts):
    """White space at its ends aside; one without a letter never."""
    expected = [hash_of(line) for text in texts for line in set(lines_of(text)) if set(line) & set("abé")]
    assert sorted(distinct_lines(TextBatch.from_texts(texts)).tolist()) == sorted(expected)


def test_a_batch_that_holds_no_listed_line_is_the_same_batch():
    """Nothing is copied."""
    batch = TextBatch.from_texts(["a\n\nb", "c"])
    assert drop_lines(batch, hashes({"x"})) is batch


def test_a_part_of_a_batch_is_read_in_its_bounds():
    """As of an Arrow array that is a slice of another."""
    part = TextBatch.from_arrow(TextBatch.from_texts(["a\nb", "b\nc", "c\nd"]).to_arrow().slice(1, 1))
    assert len(distinct_lines(part)) == 2
    assert drop_lines(part, hashes({"c"})).to_arrow().to_pylist() == ["b"]
