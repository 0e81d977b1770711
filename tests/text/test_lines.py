"""Lines and paragraphs by example."""

from __future__ import annotations

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
