"""Spherical k-means, against plain numpy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.models.spherical import Rows, cluster, reseat
from refinery.text.features import Features

TERMS = np.full(64, -1, np.int32)
TERMS[3:13] = np.arange(10)


def rows_of(dense: np.ndarray) -> Rows:
    """Dense rows over ten columns, with an entry in a bucket that has none beside them."""
    buckets, values, bounds = [], [], [0]
    for row in dense:
        at = np.flatnonzero(row)
        buckets += [1, *(at + 3)]
        values += [9.0, *row[at]]
        bounds.append(len(buckets))
    counts = np.ones(len(buckets), np.uint16)
    found = Features(np.array(bounds, np.int64), np.array(buckets, np.uint32), counts)
    return Rows(found, np.array(values, np.float32), TERMS)


def unit(dense: np.ndarray) -> np.ndarray:
    """Rows of length 1."""
    return dense / np.maximum(np.linalg.norm(dense, axis=1, keepdims=True), 1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 7))
def test_the_nearest_center_is_that_of_the_greatest_cosine(seed, rows, clusters):
    """As numpy has it; a row without a column has none."""
    generator = np.random.default_rng(seed)
    dense = unit(generator.random((rows, 10)) * (generator.random((rows, 10)) < 0.3))
    centers = unit(generator.random((clusters, 10))).T.astype(np.float32)
    topics, cosines = rows_of(dense).nearest(np.ascontiguousarray(centers))
    expected = dense @ centers
    empty = ~dense.any(axis=1)
    assert (topics[empty] == -1).all() and (cosines[empty] == 0).all()
    assert np.allclose(cosines[~empty], expected.max(axis=1)[~empty], atol=1e-5)
    assert (expected[np.arange(rows), topics] >= expected.max(axis=1) - 1e-5)[~empty].all()


def test_clusters_that_are_apart_are_found():
    """Whatever the seed is; centers are the directions of their sums, those of more rows first."""
    generator = np.random.default_rng(1)
    sizes = (60, 40, 20, 10)
    kinds = np.repeat(np.arange(4), sizes)
    dense = np.zeros((len(kinds), 10))
    dense[np.arange(len(kinds)), 2 * kinds] = 1
    dense = unit(dense + 0.1 * generator.random(dense.shape))
    for seed in range(5):
        centers = cluster(rows_of(dense), 10, 4, seed)
        topics, _ = rows_of(dense).nearest(centers)
        assert topics.tolist() == kinds.tolist()
        sums = np.stack([dense[kinds == kind].sum(axis=0) for kind in range(4)])
        assert np.allclose(centers.T, unit(sums), atol=1e-5)
        assert np.array_equal(centers, cluster(rows_of(dense), 10, 4, seed))


def test_there_are_no_more_clusters_than_different_rows():
    """Copies make no second center, and rows without a column none."""
    dense = np.zeros((9, 10))
    dense[:4, 1], dense[4:6, 2] = 1, 1
    assert cluster(rows_of(dense), 10, 5, 1).shape == (10, 2)
    assert cluster(rows_of(dense[6:]), 10, 5, 1).shape == (10, 0)
    assert cluster(rows_of(dense[:0]), 10, 5, 1).shape == (10, 0)


def test_a_cluster_without_a_row_begins_at_the_farthest():
    """Not at one without a column, which is of none."""
    topics = np.array([0, 0, 3, -1, 3], np.int32)
    reseat(topics, np.array([0.9, 0.2, 0.5, 0.0, 0.3], np.float32), 4)
    assert topics.tolist() == [0, 1, 3, -1, 2]
