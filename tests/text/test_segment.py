"""Tokens of one text, against the reference and by example."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from refinery.text.segment import tokens
from tests.text import reference
from tests.text.test_signals import texts


@settings(deadline=None, max_examples=200)
@given(texts)
def test_tokens_equal_the_reference(text: str) -> None:
    """Every token of random text in mixed scripts."""
    assert tokens(text) == [token.text for token in reference.segment(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't stop.", ["Don't", "stop", "."]),
        ("l’été e.g. U.S.A.", ["l’été", "e.g", ".", "U.S.A", "."]),
        ("1,000.50 3:30 a,b x.1", ["1,000.50", "3", ":", "30", "a", ",", "b", "x", ".", "1"]),
        ("snake_case __init__", ["snake_case", "__", "init", "__"]),
        ("wait.... ##!!", ["wait", "....", "##", "!!"]),
        ("漢字とかな", ["漢", "字", "と", "か", "な"]),
        ("二〇二四年3月", ["二", "〇", "二", "四", "年", "3", "月"]),
        ("ที่ดี", ["ที่", "ดี"]),
        ("한국어 단어", ["한국어", "단어"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("مرحبا، می‌خواهم", ["مرحبا", "،", "می‌خواهم"]),
        ("שָׁלוֹם", ["שָׁלוֹם"]),
        ("👍🏽❤️❤️ok", ["👍", "🏽", "❤️", "❤️", "ok"]),
        ("a\u200bb\x00c", ["a", "b", "c"]),
        ("co\u00adop \u0301x", ["co\u00adop", "\u0301x"]),
        ("\u200b\ufeff \r\n", []),
        ("", []),
    ],
)
def test_tokens_by_example(text: str, expected: list[str]) -> None:
    """Words, joins, symbols, unspaced scripts, marks, joiners and separators."""
    assert tokens(text) == expected
