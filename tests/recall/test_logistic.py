"""Logistic regression: its optimum, by conditions that hold there alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.recall.logistic import Line, Rows, fit


def dense(matrix: np.ndarray) -> Rows:
    """Rows of all entries that are not zero."""
    number, columns = np.nonzero(matrix)
    bounds = np.searchsorted(number, np.arange(len(matrix) + 1))
    values = matrix[number, columns].astype(np.float32)
    return Rows(bounds.astype(np.int64), columns.astype(np.uint32), values, matrix.shape[1])


@given(seed=st.integers(0, 1000), penalty=st.sampled_from([0.01, 0.1, 1.0]))
@settings(max_examples=25, deadline=None)
def test_the_gradient_vanishes(seed: int, penalty: float) -> None:
    """Of a convex loss that is the one minimum; computed here with dense matrices."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(40, 6)) * (random.random((40, 6)) < 0.5)
    labels, weights = random.random(40), random.random(40) + 0.1
    line = fit(dense(matrix), labels, weights, penalty)
    residuals = weights * (1 / (1 + np.exp(-(matrix @ line.coefficients + line.bias))) - labels)
    first = weights * (0.5 - labels)
    length = np.hypot(np.linalg.norm(matrix.T @ first), first.sum())
    assert np.linalg.norm(matrix.T @ residuals + penalty * line.coefficients) <= 1e-2 * length
    assert abs(residuals.sum()) <= 1e-2 * length


def test_a_start_at_the_optimum_stays_there() -> None:
    """Warm starts only save steps."""
    random = np.random.default_rng(1)
    rows, labels = dense(random.normal(size=(30, 4))), random.random(30)
    line = fit(rows, labels, np.ones(30), 0.1)
    again = fit(rows, labels, np.ones(30), 0.1, Line(line.coefficients, line.bias))
    assert np.allclose(again.coefficients, line.coefficients, atol=1e-2)


def test_rows_are_taken_in_order() -> None:
    """Products of taken rows are the taken products."""
    random = np.random.default_rng(2)
    matrix = random.normal(size=(7, 5)) * (random.random((7, 5)) < 0.6)
    rows, vector, chosen = dense(matrix), random.normal(size=5), np.array([5, 0, 0, 3])
    assert np.allclose(rows.take(chosen).times(vector), (matrix @ vector)[chosen], atol=1e-5)
    assert np.allclose(rows.transposed(np.arange(7.0)), np.arange(7.0) @ matrix, atol=1e-5)
