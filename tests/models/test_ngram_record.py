"""What is said of an n-gram model."""

import numpy as np
import pytest

from refinery.models.ngram_record import NgramRecord, TextRecord, held_out_auc, perplexity


def test_perplexity_is_of_all_words_together() -> None:
    """Two to the mean bits a word, not the mean of documents; none without a word."""
    assert perplexity(np.array([1.0, 3.0]), np.array([3, 1])) == round(2**1.5, 2)
    assert perplexity(np.empty(0), np.empty(0, np.int64)) is None


def test_auc_counts_pairs() -> None:
    """Of a domain's and an ordinary document the former has the greater score; a tie is half a pair."""
    rng = np.random.default_rng(1)
    domain, ordinary = rng.integers(0, 9, 12) + 1.0, rng.integers(0, 9, 15) + 0.0
    pairs = np.sign(domain[:, None] - ordinary) / 2 + 0.5
    assert held_out_auc(domain, ordinary) == pytest.approx(pairs.mean(), abs=1e-4)
    assert held_out_auc(domain[:9], ordinary) is None


def test_a_record_is_summed_up_and_warns() -> None:
    """Of texts that it does not tell apart."""
    text = TextRecord(documents=1000, words=20_000, held_out=50, ngrams=(), perplexity={"positive": 61.5})
    record = NgramRecord(order=5, min_count=2, vocabulary=9, texts={"positive": text}, auc=0.6)
    assert record.summary == ("20,000 words of 1,000 positive documents, perplexity 61.5 on 50 held-out ones")
    assert "(50 are)" in record.warning and "in 60% of cases" in record.warning
    assert not record.model_copy(update={"auc": 0.9}).warning
    assert not record.model_copy(update={"auc": None}).warning
