"""Keys of n-grams and the probability of a text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.models.ngram import NgramModel, parse
from refinery.models.ngram_fit import count_in_memory
from refinery.text.batch import TextBatch
from refinery.text.ngram_model import ngram_keys, ngram_rows
from tests.models.kneser_ney import KneserNey

WORDS = st.sampled_from(["a", "of", "血", "eightlet", "seventeen-letters", "ninelette", "sevenle", "x" * 16])
DOCUMENTS = st.lists(st.lists(WORDS, min_size=1, max_size=40), min_size=1, max_size=8)


def joined(documents: list[list[str]]) -> TextBatch:
    return TextBatch.from_texts([" ".join(words) for words in documents])


def model(order: int, least: int, *texts: list[list[str]]) -> NgramModel:
    """Of one or two texts."""
    return parse(np.frombuffer(count_in_memory(list(map(joined, texts)), order, least), np.uint8), "here")


@given(documents=DOCUMENTS, order=st.integers(1, 4))
def test_rows_are_words_with_those_before_them(documents: list[list[str]], order: int) -> None:
    """A number for each word, the same in every place, wherever it stands in memory; 0 before a document."""
    rows = ngram_rows(joined(documents), order).tolist()
    number = {
        word: ngram_rows(TextBatch.from_texts([word]), 1)[0, 0] for words in documents for word in words
    }
    assert len(set(number.values())) == len(number) and 0 not in number.values()
    expected = [
        [number[words[at - back]] if at >= back else 0 for back in range(order)]
        for words in documents
        for at in range(len(words))
    ]
    assert rows == expected


def test_keys_depend_on_every_word_and_its_place() -> None:
    """Of all n-grams of up to four of three words no two are alike."""
    numbers = np.array([7, 8, 9], np.uint32)
    keys = [
        ngram_keys(np.stack(np.meshgrid(*[numbers] * n), -1).reshape(-1, n)).tolist() for n in (1, 2, 3, 4)
    ]
    every = [key for found in keys for key in found]
    assert len(set(every)) == len(every) == 3 + 9 + 27 + 81


@settings(max_examples=60)
@given(domain=DOCUMENTS, raw=DOCUMENTS, judged=DOCUMENTS, order=st.integers(2, 5), least=st.integers(1, 2))
def test_cross_entropies_are_those_of_modified_kneser_ney(
    domain: list[list[str]], raw: list[list[str]], judged: list[list[str]], order: int, least: int
) -> None:
    """Of texts that one of both, or neither, has seen, whatever their length; also of a model of one text."""
    judged = [*judged, [*judged[0], "never", *judged[0] * 20], ["never"]]
    for texts in ([domain, raw], [raw]):
        vocabulary = len({word for documents in texts for words in documents for word in words}) + 1
        bits, counts = model(order, least, *texts).cross_entropies(joined(judged))
        assert counts.tolist() == [len(words) for words in judged]
        for found, documents in zip(bits, texts, strict=True):
            expected = KneserNey(documents, order, least)
            assert found.tolist() == pytest.approx(
                [expected.bits(words, vocabulary) for words in judged], rel=1e-5
            )


@settings(max_examples=30)
@given(documents=st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), min_size=1, max_size=6),
       context=st.lists(st.sampled_from("abcdx"), max_size=4))  # fmt: skip
def test_probabilities_add_up_to_one(documents: list[list[str]], context: list[str]) -> None:
    """After any context, over all words that the text has and one that stands for all others."""
    made = model(4, 2, documents)
    vocabulary = [*sorted({word for words in documents for word in words}), "unknown"]
    bits, counts = made.cross_entropies(joined([[*context, word] for word in vocabulary]))
    before, number = made.cross_entropies(TextBatch.from_texts([" ".join(context)]))
    assert np.exp2(before[0] * number - bits[0] * counts).sum() == pytest.approx(1, abs=1e-6)


def test_a_document_without_a_word_has_no_bits() -> None:
    """0 words."""
    bits, counts = model(3, 2, [["a", "b"]]).cross_entropies(TextBatch.from_texts(["", "a", ""]))
    assert counts.tolist() == [0, 1, 0] and bits[0, [0, 2]].tolist() == [0, 0]


def test_full_buckets_hide_nothing() -> None:
    """A table in which all keys belong into few buckets, and those run over."""
    words = [[f"w{n}", f"v{n % 7}"] for n in range(1500)]
    made = model(2, 1, words)
    crowded = (made.table.entries[:, -1] != 0).mean()
    expected = KneserNey(words, 2, 1)
    bits, _ = made.cross_entropies(joined(words[:40]))
    assert crowded > 0.02
    assert bits[0].tolist() == pytest.approx(
        [expected.bits(one, made.words + 1) for one in words[:40]], rel=1e-5
    )
