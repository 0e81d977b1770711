"""Places of documents in a latent space, against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.models.space import space_of
from refinery.text.features import Features


def documents() -> Features:
    """Three of eight buckets, one of them without any."""
    bounds = np.array([0, 3, 3, 5], np.int64)
    return Features(bounds, np.array([1, 4, 6, 0, 4], np.uint32), np.array([1, 3, 2, 1, 1], np.uint16))


def test_a_place_is_the_sum_of_vectors_at_length_one() -> None:
    """Each vector times 1 + ln tf; a bucket without one counts nothing, and a document without any has no place."""
    vectors = np.array([[1, 0.5], [-2, 0.25], [0.5, 0.5]], np.float16)
    space = space_of(np.array([1, 4, 7], np.uint32), vectors, 3)
    assert (space.bits, space.directions, space.buckets.tolist()) == (3, 2, [1, 4, 7])
    first = vectors[0].astype(float) + (1 + np.log(3)) * vectors[1].astype(float)
    second = vectors[1].astype(float)
    expected = [first / np.linalg.norm(first), [0, 0], second / np.linalg.norm(second)]
    assert space.places(documents()) == pytest.approx(np.array(expected), abs=1e-6)


def test_places_of_documents_of_every_size() -> None:
    """Of no, one and more features with a vector, between others without one, against a dense product."""
    random = np.random.default_rng(7)
    having = np.sort(random.choice(64, 40, replace=False)).astype(np.uint32)
    space = space_of(having, random.normal(size=(40, 5)).astype(np.float16), 6)
    counts = random.integers(1, 9, (30, 64)) * (np.arange(64) < np.arange(30)[:, None])
    document, bucket = np.nonzero(counts)
    bounds = np.searchsorted(document, np.arange(31)).astype(np.int64)
    found = Features(bounds, bucket.astype(np.uint32), counts[document, bucket].astype(np.uint16))
    weights = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0)
    sums = weights[:, having] @ space.vectors
    expected = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-30)
    assert space.places(found) == pytest.approx(expected, abs=1e-5)


def test_a_space_without_directions_has_places_of_no_number() -> None:
    """So a model of a pool without words in common has one too."""
    space = space_of(np.zeros(0, np.uint32), np.zeros((0, 0), np.float16), 3)
    assert (space.bits, space.directions, len(space.buckets)) == (3, 0, 0)
    assert space.places(documents()).shape == (3, 0)
