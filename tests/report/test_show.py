"""Documents in the terminal."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import refinery
from refinery.report.show import cut_lines, limit_text, lines_of, values_text


@pytest.mark.parametrize("width", [40, 80])
def test_lines_fit_the_terminal(tiny_run, width):
    """In cells, of which a Chinese character takes two."""
    for document in refinery.show(tiny_run, n=99):
        assert all(cell_len(line) <= width for line in lines_of(document, 0, width))


def test_what_decided_is_said(tiny_run):
    """Place, outcome, limit, value, and the beginning of the text."""
    (document,) = refinery.show(tiny_run, where="id = 'short2'")
    assert list(lines_of(document, 11, 80)) == [
        f"crawl: {document.path}, row {document.row}, id short2",
        "  dropped by screened: long_enough",
        "    long_enough: words >= 50",
        "    words = 9",
        "  | A few  word",
        f"  | … ({len(document.text)} characters)",
    ]


def test_a_text_cannot_command_the_terminal(tiny_run):
    """Its control codes are shown as escapes."""
    (document,) = refinery.show(tiny_run, where="id = 'short2'")
    lines = list(lines_of(replace(document, text="red \x1b[31m alert"), 0, 80))
    assert lines[-1] == r"  | red \x1b[31m alert"


def test_values_are_short():
    """Floats by six digits; NULL is said."""
    assert values_text({"a": 1 / 3, "b": None, "c": "x"}) == "a = 0.333333, b is NULL, c = x"


@pytest.mark.parametrize(
    ("limit", "shown"),
    [
        ("relevance >= 0.4420548379421234", "relevance >= 0.442055"),
        ("share < .00012345678", "share < 0.000123457"),
        ("share <= 0.125 AND words > 1234567.5", "share <= 0.125 AND words > 1234567.5"),
        ("id <> '0.4420548379421234' AND \"a 0.12345678\" > 1.2345678e5", None),
    ],
)
def test_limits_are_short(limit, shown):
    """As values are, but what a person wrote, in quotes or with few digits."""
    assert limit_text(limit) == (shown or limit)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("# 最高人民法院关于审理", ["# 最高人民", "法院关于审", "理"]),
        ("一二三四五六，七", ["一二三四五", "六，七"]),
        ("一二三四五，七", ["一二三四", "五，七"]),
        ("ab 文 cdefgh ij", ["ab 文", "cdefgh ij"]),
        ("ab abcdefghijklm n", ["ab", "abcdefghij", "klm n"]),
        ("  abcdefghij kl", ["  abcdefgh", "ij kl"]),
        ("0123456789   x", ["0123456789", "x"]),
        ("", [""]),
        ("   ", [""]),
    ],
)
def test_lines_break_between_words_and_characters_of_scripts_without_spaces(text, lines):
    """Before no punctuation; a word longer than a line breaks, and space at the end of a line is not counted."""
    assert cut_lines(text, 10) == lines


@given(st.text(st.sampled_from("ab ，文ก"), max_size=60), st.integers(2, 20))
def test_cut_lines_keep_all_but_space(text, width):
    """And fit."""
    lines = cut_lines(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(cell_len(line) <= width for line in lines)
