"""The nearest seed against all cosines."""

from __future__ import annotations

import numpy as np

from refinery.recall.nearest import nearest
from tests.recall.test_logistic import dense


def test_the_greatest_cosine_to_another_seed() -> None:
    """Of a seed the nearest other one; of a row that shares nothing with any it is 0."""
    random = np.random.default_rng(1)
    matrix = np.abs(random.normal(size=(20, 9))) * (random.random((20, 9)) < 0.4)
    matrix[3] = 0
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    matrix /= np.where(lengths == 0, 1, lengths)
    seed = np.arange(20) % 4 == 0
    cosines = matrix @ matrix[seed].T
    cosines[np.flatnonzero(seed), np.arange(seed.sum())] = 0
    rows = dense(matrix)
    blocks = [rows.take(np.arange(7)), rows.take(np.arange(7, 20))]
    found, which = nearest(blocks, rows.take(np.flatnonzero(seed)), seed)
    assert np.allclose(found, cosines.max(1), atol=1e-6)
    assert which[3] == -1
    assert (which[found > 0] == np.flatnonzero(seed)[cosines.argmax(1)][found > 0]).all()
