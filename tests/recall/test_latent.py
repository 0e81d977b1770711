"""The latent space against a singular value decomposition of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.recall.latent import dense_rows, latent_space
from refinery.recall.logistic import weigh_rows
from refinery.text.batch import TextBatch
from refinery.text.features import BITS, Features, features, inverse_frequencies, weigh
from tests.recall.planted import texts


def sparse() -> Features:
    """Documents of four topics, and one with a word of its own."""
    documents = [text for number, topic in enumerate("abcd") for text in texts(15, topic, 0.9, number)]
    return features(TextBatch.from_texts([*documents, documents[0] + " lone"]))


def test_places_are_those_of_the_leading_singular_vectors() -> None:
    """At length 1, whatever their signs: the cosines between documents are the same as by NumPy's decomposition."""
    found = sparse()
    inverse = inverse_frequencies(found)
    space = latent_space(weigh_rows(found, inverse), inverse, 4)
    having = np.bincount(found.buckets, minlength=1 << BITS)
    assert space.buckets.tolist() == np.flatnonzero(having > 1).tolist()
    made = np.zeros((len(found), 1 << BITS), np.float32)
    made[np.repeat(np.arange(len(found)), np.diff(found.bounds)), found.buckets] = weigh(found, inverse)
    made = made[:, space.buckets]
    _, _, right = np.linalg.svd(made, full_matrices=False)
    expected = made @ right[:4].T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    places = space.places(found)
    assert np.abs(places @ places.T - expected @ expected.T).max() < 0.01


def test_dense_rows_have_every_column() -> None:
    """Also where a number is 0, and where there is no column."""
    places = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]], np.float32)
    for vector in np.eye(2):
        assert dense_rows(places).times(vector) == pytest.approx(places @ vector)
    assert dense_rows(places[:, :0]).times(np.zeros(0)) == pytest.approx([0, 0, 0])


def test_of_nothing_there_are_no_directions() -> None:
    """Documents without words, or with none in common, have no place."""
    for documents in (["", ""], ["one two", "three four"]):
        found = features(TextBatch.from_texts(documents))
        inverse = inverse_frequencies(found)
        space = latent_space(weigh_rows(found, inverse), inverse)
        assert space.directions == 0 == len(space.buckets)
        assert space.places(found).shape == (2, 0)
