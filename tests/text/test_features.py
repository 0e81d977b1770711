"""Hashed features against plain Python."""

from collections import Counter
from itertools import pairwise
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.features import Features, features, inverse_frequencies, weigh
from refinery.text.prepare import prepare
from tests.text.test_ngrams_hashed import buckets

texts_of_words = st.lists(st.lists(st.text("abé字", min_size=1, max_size=12), max_size=90), max_size=4)


def rows(found: Features) -> list[dict[int, int]]:
    """Buckets and counts by document."""
    cuts = found.bounds.tolist()
    pairs = list(zip(found.buckets.tolist(), found.counts.tolist(), strict=True))
    return [dict(pairs[a:b]) for a, b in pairwise(cuts)]


@given(texts=texts_of_words, bits=st.sampled_from([3, 11, 20, 22]))
def test_words_and_pairs_are_counted_in_ascending_order(texts: list[list[str]], bits: int) -> None:
    """Each document's buckets with how often they occur, as counted in plain Python."""
    found = features(TextBatch.from_texts([" ".join(words) for words in texts]), bits)
    expected = [Counter(buckets(words, 1 << bits)) for words in texts]
    assert [list(row.items()) for row in rows(found)] == [sorted(row.items()) for row in expected]


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_blocks_and_documents_that_are_taken_are_those_of_all(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each block has as many entries as there may be, or is one document; so have frequencies of them."""
    monkeypatch.setattr("refinery.text.features._BLOCK_ENTRIES", most)
    found = features(TextBatch.from_texts(["a b c d", "", "a b", "e", "f g h", ""]))
    blocks = list(found.blocks())
    assert [row for block in blocks for row in rows(block)] == rows(found)
    assert all(len(block.buckets) <= most or len(block) == 1 for block in blocks)
    assert len(blocks) == {1: 6, 7: 3, 1000: 1}[most]
    chosen = np.array([4, 0, 4, 1])
    assert rows(found.take(chosen)) == [rows(found)[i] for i in chosen]
    having = Counter(bucket for row in rows(found) for bucket in row)
    frequencies = inverse_frequencies(found)
    for bucket, documents in having.items():
        assert frequencies[bucket] == pytest.approx(log(7 / (1 + documents)), rel=1e-6)


def pieces_of(word: str) -> list[str]:
    """Four characters each, of a word of 5 to 40: the first, those between, the last."""
    return [word[i : i + 4] for i in range(len(word) - 3)] if 4 < len(word) <= 40 else []


@given(texts=texts_of_words)
def test_pieces_of_words_count_beside_words(texts: list[list[str]]) -> None:
    """The rest is as without; as many as the word has, the same for the same piece, start and end apart."""
    batch = TextBatch.from_texts([" ".join(words) for words in texts])
    with_pieces, plain = rows(features(batch, 22, pieces=True)), rows(features(batch, 22))
    for words, row, before in zip(texts, with_pieces, plain, strict=True):
        split = Counter(row) - Counter(before)
        expected: Counter[tuple[int, str]] = Counter()
        for pieces in map(pieces_of, words):
            where = [min(i, 1) + (0 < i == len(pieces) - 1) for i in range(len(pieces))]
            expected.update(zip(where, pieces, strict=True))
        assert sorted(split.values()) == sorted(expected.values())
        assert list(row) == sorted(row)


def test_words_share_pieces_where_they_are_alike() -> None:
    """carcinoma and melanoma end alike; a piece within a word is another than the same at its start."""
    found = features(
        TextBatch.from_texts(["carcinoma", "melanoma", "omaha", "xomahax", "w" * 41, "词" * 5]), pieces=True
    )
    first, second, start, within, long, unspaced = (set(row) for row in rows(found))
    assert len(first & second) == 1 and len(start & first) == 0
    assert len(start & within) == 0 and (len(long), len(unspaced)) == (1, 3)


def test_a_count_stays_at_the_greatest_that_it_can_be() -> None:
    """Of pieces there may be more than words."""
    found = features(TextBatch.from_texts([" ".join(["a" * 40] * 2000)]), pieces=True)
    assert sorted(found.counts.tolist())[-1] == 65_535


def test_a_long_document_is_sorted_and_a_slice_counts_its_own_texts() -> None:
    """Thousands of different words, in the middle of a batch that starts elsewhere."""
    words = [f"w{number * 7919 % 5000}" for number in range(9000)]
    batch = TextBatch.from_arrow(TextBatch.from_texts(["x y", " ".join(words), "z"]).to_arrow()[1:])
    found = rows(features(batch, most_words=8000))
    expected = Counter(buckets(words[:8000], 1 << 20))
    assert [list(row.items()) for row in found] == [
        sorted(expected.items()),
        [(buckets(["z"], 1 << 20)[0], 1)],
    ]


def test_characters_of_unspaced_scripts_are_features_alone_and_in_pairs() -> None:
    """As words are, by the spaces that preparing puts around them."""
    (row,) = rows(features(prepare(TextBatch.from_texts(["阿司匹林"]))))
    assert row == Counter(buckets(list("阿司匹林"), 1 << 20))


@given(texts=texts_of_words)
def test_weights_are_tf_idf_of_rows_of_length_one(texts: list[list[str]]) -> None:
    """(1 + ln tf) ln((1 + N) / (1 + df)), divided by the row's length; a feature of all documents counts nothing."""
    found = features(TextBatch.from_texts([" ".join(words) for words in texts]))
    values = weigh(found, inverse_frequencies(found))
    documents = [Counter(buckets(words, 1 << 20)) for words in texts]
    having = Counter(bucket for document in documents for bucket in document)
    for number, document in enumerate(documents):
        inverse = {b: log((1 + len(texts)) / (1 + having[b])) for b in document}
        plain = [(1 + log(document[b])) * inverse[b] for b in sorted(document)]
        length = sum(value**2 for value in plain) ** 0.5
        expected = [value / length if length else 0.0 for value in plain]
        assert values[found.bounds[number] : found.bounds[number + 1]] == pytest.approx(expected, abs=1e-6)


def test_of_no_documents_there_is_nothing() -> None:
    """An empty batch has no rows, and no frequencies."""
    found = features(TextBatch.from_texts([]))
    assert len(found) == 0
    assert not len(weigh(found, inverse_frequencies(found)))
    assert not np.any(inverse_frequencies(found))
