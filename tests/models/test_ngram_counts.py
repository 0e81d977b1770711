"""The numbers of a language model, against plain Python."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.models.ngram_counts import FALLBACK, Tally, adjusted_counts, values_of
from refinery.text.batch import TextBatch
from refinery.text.ngram_model import ngram_keys, ngram_rows
from tests.models.kneser_ney import KneserNey

DOCUMENTS = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30), min_size=1, max_size=12)


def rows_of(documents: list[list[str]], order: int) -> np.ndarray:
    return ngram_rows(TextBatch.from_texts([" ".join(words) for words in documents]), order)


def key(gram: tuple[str, ...]) -> int:
    return int(ngram_keys(rows_of([list(gram)], len(gram))[-1:])[0])


@settings(max_examples=60)
@given(documents=DOCUMENTS, order=st.integers(2, 5), least=st.integers(1, 3))
def test_numbers_are_those_of_modified_kneser_ney(documents: list[list[str]], order: int, least: int) -> None:
    """Every n-gram that is kept, every context's share, all counts and discounts; nothing else."""
    expected = KneserNey(documents, order, least)
    grams, dropped, tally = adjusted_counts(rows_of(documents, order), least)
    values = values_of(grams, dropped, tally, 0)
    found = {(int(one["key"]), int(one["column"])): float(one["value"]) for one in values}
    assert len(found) == len(values)
    numbers = {(key(gram), 0): expected.u(gram) for gram in expected.kept}
    numbers |= {(key(gram[:-1]), 1): expected.share(gram[:-1]) for gram in expected.kept if len(gram) > 1}
    assert found == pytest.approx(numbers, rel=1e-5, abs=1e-7)
    assert tally.kept.tolist() == [sum(len(g) == n for g in expected.kept) for n in range(1, order + 1)]
    assert tally.discounts.tolist() == [pytest.approx(one) for one in expected.discounts]
    assert tally.unigram_share == pytest.approx(expected.share(()))


def test_discounts_are_chen_and_goodmans() -> None:
    """Equation 26 by hand; without an n-gram of some count, or with a discount that makes no sense, KenLM's."""
    one = np.zeros(3, np.int64)
    classes = np.array([[100, 40, 20, 10], [100, 40, 0, 10], [10, 40, 80, 900]])
    found = Tally(one, one, one, classes).discounts
    y = 100 / 180
    assert found[0].tolist() == pytest.approx([1 - 2 * y * 0.4, 2 - 3 * y * 0.5, 3 - 4 * y * 0.5])
    assert found[1].tolist() == found[2].tolist() == list(FALLBACK)


def test_no_rows_have_no_ngrams() -> None:
    """A partition may be empty."""
    grams, dropped, tally = adjusted_counts(np.empty((0, 3), np.uint32), 2)
    assert len(grams) == len(dropped) == len(values_of(grams, dropped, tally, 0)) == 0
    assert tally.found.tolist() == [0, 0, 0] and tally.unigram_share == 1
