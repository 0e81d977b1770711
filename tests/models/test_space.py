"""Places of documents in a latent space, against dense matrices."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.models.space import no_space, space_of
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


def test_a_space_without_directions_has_places_of_no_number() -> None:
    """So a model that looks at words alone has one too."""
    space = no_space(3)
    assert (space.bits, space.directions, len(space.buckets)) == (3, 0, 0)
    assert space.places(documents()).shape == (3, 0)
