"""How stop words of each kind of script are found."""

from __future__ import annotations

import pytest

from refinery.text.stopwords import compile_lists
from tests.text.test_signals import measured


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "the cat and the dog that have with", 5),
        ("en", "The cat Andes thereof", 0),
        ("de", "der Hund und die Katze der", 3),
        ("fr", "L'un l'homme d’une d'une", 2),
        ("it", "l’amico", 1),
        ("zh", "中国的法律是好的。", 3),
        ("ja", "これは本です。", 3),
        ("ko", "학교에서 사람이 책을 읽는다", 4),
        ("ko", "에서 시작", 1),
        ("th", "การที่เราไปในบ้านและสวน", 4),
        ("th", "กา ร", 1),
        ("th", "กา", 0),
        ("ru", "он и она на работе", 3),
        ("ar", "هو في البيت، من", 4),
        ("hi", "यह हिन्दी में है", 2),
        ("vi", "là một người", 3),
    ],
)
def test_different_stop_words_present(language: str, text: str, expected: int) -> None:
    """Exact case; letters in a row without spaces; Korean endings; elided articles; each word once."""
    assert measured(text)[0][f"stop_words_{language}"] == expected


def test_a_word_of_several_languages_counts_for_each() -> None:
    """ "de" is French, Spanish, Portuguese, Dutch and Turkish."""
    found = measured("de")[0]
    present = {name[-2:] for name, value in found.items() if name.startswith("stop_words_") and value}
    assert present == {"fr", "es", "pt", "nl", "tr"}


def test_compiled_lists_are_read_only() -> None:
    """So that the kernel is compiled for one type only."""
    assert not any(array.flags.writeable for array in compile_lists({"en": ["the"], "th": ["การ", "กา"]}))
