"""Lines and paragraphs by example."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.text import reference
from tests.text.test_signals import measured


def test_copies_are_second_and_later_ones() -> None:
    """Of abc, abc, de, abc two lines and six characters are copies, as datatrove counts."""
    found = measured("abc\nabc\nde\nabc")[0]
    assert (found["dup_line_frac"], found["dup_line_char_frac"]) == (2 / 4, 6 / 14)
    assert found["line_char_dup_ratio"] == 6 / 11


def test_blank_lines_are_never_copies() -> None:
    """Twenty different sentences with three blank lines between have no duplicate line."""
    found = measured("\n\n\n\n".join(f"Sentence number {i}." for i in range(20)))[0]
    assert (found["lines"], found["paragraphs"], found["dup_line_frac"], found["dup_para_frac"]) == (
        20,
        20,
        0,
        0,
    )


def test_paragraphs_repeat_as_a_whole() -> None:
    """A paragraph of the same lines is a copy, one of the same lines in another order is not."""
    found = measured("a\nb\n\nb\na\n\na\nb")[0]
    assert (found["paragraphs"], found["dup_para_frac"], found["dup_para_char_frac"]) == (3, 1 / 3, 3 / 13)
    assert measured("a\nb\n\na b\n\na\n \nb")[0]["dup_para_frac"] == 0


def test_how_lines_begin_and_end() -> None:
    """Bullets after indentation, ellipses of both kinds, terminals of any script, short lines."""
    text = "- one thing...\n  • another…\nThe end.\n终于。\nno end here, in a line that is much too long to be short"
    found = measured(text)[0]
    assert found["bullet_line_ratio"] == 2 / 5
    assert found["ellipsis_line_ratio"] == 2 / 5
    assert found["line_punct_ratio"] == 3 / 5
    assert found["short_line_ratio"] == 4 / 5


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("He said so.)", True),
        ("他说：“好。”", True),
        ("（已废止。）", True),
        ("« C’est fini. »", True),
        ("“Really?”", True),
        ("यह वाक्य है।", True),
        ("هل هذا سؤال؟", True),
        ("ይህ ነው።", True),
        ("នេះជាប្រយោគ។", True),
        ("བོད་ཡིག།", True),
        ("a heading (short)", False),
        ("“a title”", False),
        (")", False),
    ],
)
def test_closing_marks_may_stand_after_the_end_of_a_sentence(line: str, ends: bool) -> None:
    """Quotation marks and brackets after the mark, marks of every script; none of them alone is an end."""
    assert measured(line)[0]["line_punct_ratio"] == ends


WORDS = st.lists(st.sampled_from(["a", "and", "words", "of", "several", "lengths,", "1.", "漢字", "(as)"]))
PARAGRAPHS = st.lists(WORDS.map(lambda words: " ".join(words * 5)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=100)
@given(PARAGRAPHS, st.integers(20, 130))
def test_wraps_equal_the_reference_on_text_wrapped_at_any_width(texts: list[str], width: int) -> None:
    """The share of wrapped lines of what textwrap fills."""
    paragraphs = [textwrap.wrap(text, width) for text in texts]
    text = "\n\n".join("\n".join(lines) for lines in paragraphs if lines)
    share = reference.signals(text, {})["wrapped_line_ratio"]
    assert measured(text)[0]["wrapped_line_ratio"] == share


def test_a_wrapped_text_is_told_from_one_of_short_lines() -> None:
    """All lines of a paragraph but the last are wrapped; a list, a poem and unwrapped paragraphs are not."""
    paragraph = "This is a sentence of some ordinary words, which goes on for a good while. " * 8
    wrapped = textwrap.wrap(paragraph, 70)
    both = "\n\n".join(["\n".join(wrapped)] * 3)
    assert measured(both)[0]["wrapped_line_ratio"] == 1 - 1 / len(wrapped)
    listed = "\n".join(f"item {i} " + "of a list " * (i * 7 % 5) for i in range(40))
    assert [found["wrapped_line_ratio"] for found in measured(listed, paragraph, "\n".join([paragraph] * 3))] == [
        0, 0, 0,
    ]  # fmt: skip
    characters = "\n".join(["漢" * 40] * 9 + ["漢" * 12 + "。"])
    assert measured(characters)[0]["wrapped_line_ratio"] == 0.9
