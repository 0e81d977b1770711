"""Repeated n-grams in both readings."""

from __future__ import annotations

from itertools import product

import pytest

from tests.text import reference
from tests.text.test_signals import measured

REPEATED = "aa bb cc dd ee ff aa bb cc dd ee gg"
DIFFERENT = "one two three four five six seven eight nine ten"
CYCLE = "x y z w v x y z w v x y z w v"


@pytest.mark.parametrize(
    ("text", "top", "greedy", "union"),
    [(REPEATED, 0.2857, 0.2857, 0.8333), (DIFFERENT, 0.1458, 0, 0), (CYCLE, 0.3103, 0.3448, 1.0)],
)
def test_published_implementations_on_known_texts(text: str, top: float, greedy: float, union: float) -> None:
    """Values of datatrove's own functions (top bigram, scan) and of the union of positions, to four digits."""
    found = measured(text)[0]
    assert round(found["top_2gram_char_frac"], 4) == top
    assert round(found["dup_5gram_char_frac_greedy"], 4) == greedy
    assert round(found["dup_5gram_char_frac"], 4) == union


def test_every_short_text_over_two_words() -> None:
    """All 4 094 texts of up to eleven words out of two, where n-grams overlap themselves in every way."""
    documents = [" ".join(words) for n in range(1, 12) for words in product("ab", repeat=n)]
    for text, found in zip(documents, measured(*documents), strict=True):
        words = text.split()
        for n in (2, 3, 4):
            assert found[f"top_{n}gram_char_frac"] == reference.top_ngram(words, n) / len(text)
        for n in (5, 6, 7, 8, 9, 10, 16):
            assert found[f"dup_{n}gram_char_frac"] == reference.union_ngrams(words, n) / len(words)
            assert found[f"dup_{n}gram_char_frac_greedy"] == reference.greedy_ngrams(words, n) / len(text)


def test_a_tie_goes_to_the_first_bigram() -> None:
    """Two bigrams occur twice: the first one's length counts, though the second is longer."""
    assert measured("a b c longer words d a b e longer words")[0]["top_2gram_char_frac"] == 6 / 39
