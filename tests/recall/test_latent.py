"""The latent space against a singular value decomposition of the dense matrix."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.recall.latent import beside, directions, folded
from refinery.recall.logistic import Line, Rows
from tests.recall.test_logistic import dense


def matrix() -> np.ndarray:
    """Rows of four topics with a little noise, and a column that one row alone has."""
    random = np.random.default_rng(1)
    made = np.kron(np.diag([4.0, 3.0, 2.0, 1.0]), np.ones((10, 5))) + 0.05 * random.random((40, 20))
    return np.hstack([made, np.eye(40)[:, :1]])


def test_directions_are_singular_vectors() -> None:
    """The first four, each by itself, whatever its sign; a column that one row alone has is none of them."""
    made = matrix()
    place, found = directions(dense(made), 4)
    assert place.tolist() == [*range(20), -1]
    _, sizes, right = np.linalg.svd(made[:, :20], full_matrices=False)
    for number in range(4):
        expected = right[number] / sizes[number] * np.sqrt(40 / 4)
        assert min(np.abs(found[:, number] - sign * expected).max() for sign in (1, -1)) < 1e-3


def test_a_line_over_more_columns_is_one_over_the_rows() -> None:
    """With the same logits; the columns beside have the size that was asked for."""
    rows = dense(matrix())
    place, found = directions(rows, 4)
    wide, scaled = beside(rows, place, found, 0.5)
    line = Line(np.random.default_rng(2).normal(size=wide.width), 0.3)
    assert folded(line, place, scaled).logits(rows) == pytest.approx(line.logits(wide), abs=1e-5)
    beyond = wide.columns >= rows.width
    assert (wide.values[beyond] ** 2).sum() / len(rows) == pytest.approx(0.25, rel=1e-4)


def test_of_nothing_there_are_no_directions() -> None:
    """Rows without entries, or with none in common, are as they were."""
    rows = Rows(np.zeros(4, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.float32), 8)
    place, found = directions(rows)
    wide, scaled = beside(rows, place, found, 1.0)
    assert (place < 0).all()
    assert len(wide.columns) == scaled.size == 0
