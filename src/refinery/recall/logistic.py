"""Logistic regression over sparse rows, with soft labels and weights, by truncated Newton.

Minimises sum_i w_i (ln(1 + e^z_i) - y_i z_i) + penalty / 2 |v|^2, z = X v + bias, as Lin, Weng and Keerthi 2008
(JMLR 9, 627-650) do: conjugate gradients solve for each Newton step to a tenth of its right side, a step is halved
until the loss falls enough. The bias is not penalised. Sums are taken in order: the same rows give the same bits
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.models.linear import products, squash
from refinery.text.elementary import exp, log
from refinery.text.features import Features, take_rows, weigh

Array = NDArray[np.float64]
_STEPS, _INNER = 30, 30
_GRADIENT = 1e-2  # of the first one's length, at which it is done
_ENOUGH = 1e-4  # of the fall that the slope promises (Armijo)


@dataclass(frozen=True)
class Rows:
    """Sparse rows, compressed: bounds int64 (rows + 1,), columns uint32 (entries,), values float32 (entries,)."""

    bounds: NDArray[np.int64]
    columns: NDArray[np.uint32]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Some of the rows, in the order of their numbers."""
        return Rows(*take_rows(self.bounds, self.columns, self.values, rows), self.width)

    def times(self, vector: Array) -> Array:
        """float64 (rows,): the rows times a vector by column."""
        return products(self.bounds, self.columns, self.values, vector)

    def transposed(self, vector: Array) -> Array:
        """float64 (width,): the sum of rows, each times its number of the vector."""
        made = np.zeros(self.width)
        _back(self.bounds, self.columns, self.values, vector, made)
        return made


def weigh_rows(found: Features, inverse: NDArray[np.float32]) -> Rows:
    """Documents by TF-IDF, of length 1 or 0; inverse: by bucket, of features.inverse_frequencies."""
    return Rows(found.bounds, found.buckets, weigh(found, inverse), len(inverse))


def weighed_blocks(found: Features, inverse: NDArray[np.float32]) -> Iterator[Rows]:
    """The same, some documents at a time: of many, all values at once would take as much memory as the features."""
    for block in found.blocks():
        yield weigh_rows(block, inverse)


@dataclass(frozen=True)
class Line:
    """What is fitted: coefficients by column, float64, and a bias."""

    coefficients: Array
    bias: float

    def logits(self, rows: Rows) -> Array:
        """float64 (rows,)."""
        return rows.times(self.coefficients) + self.bias


def fit(rows: Rows, labels: Array, weights: Array, penalty: float, start: Line | None = None) -> Line:
    """The line of smallest loss; labels: between 0 and 1, weights: not negative, both float64 (rows,).

    start: of a fit that is much alike, which saves steps. Columns without an entry have the coefficient 0, and take
    no time.
    """
    used = np.zeros(rows.width, np.bool_)
    used[rows.columns] = True
    columns, place = np.flatnonzero(used), (np.cumsum(used) - 1).astype(np.uint32)
    narrow = Rows(rows.bounds, place[rows.columns], rows.values, len(columns))
    begun = Line(start.coefficients[columns], start.bias) if start else None
    found, coefficients = _fit(narrow, labels, weights, penalty, begun), np.zeros(rows.width)
    coefficients[columns] = found.coefficients
    return Line(coefficients, found.bias)


def _fit(rows: Rows, labels: Array, weights: Array, penalty: float, start: Line | None) -> Line:
    solution = np.zeros(rows.width + 1)
    if start is not None:
        solution[:-1], solution[-1] = start.coefficients, start.bias
    logits = _logits(rows, solution)
    chances, loss = np.empty(len(rows)), _loss(logits, labels, weights) + penalty / 2 * _squares(solution)
    goal = 0.0
    for step in range(_STEPS):
        squash(logits, chances)
        gradient = _gradient(rows, weights * (chances - labels), penalty, solution)
        length = float(np.sqrt(_dot(gradient, gradient)))
        goal = goal or _GRADIENT * length
        if length <= goal and step:
            break
        direction = _newton(rows, weights * chances * (1 - chances), penalty, gradient)
        slope, moved, size = _dot(gradient, direction), _logits(rows, direction), 1.0
        while size > 1e-6:
            tried, there = solution + size * direction, logits + size * moved
            found = _loss(there, labels, weights) + penalty / 2 * _squares(tried)
            if found <= loss + _ENOUGH * size * slope:
                break
            size /= 2
        else:
            break
        solution, logits, loss = tried, there, found
    return Line(solution[:-1], float(solution[-1]))


def _newton(rows: Rows, curvature: Array, penalty: float, gradient: Array) -> Array:
    """Conjugate gradients on the Hessian, until a tenth of the gradient is left."""
    step, left = np.zeros_like(gradient), -gradient
    direction, squares = left.copy(), _dot(left, left)
    enough = squares * 1e-2
    for _ in range(_INNER):
        bent = _gradient(rows, curvature * _logits(rows, direction), penalty, direction)
        along = squares / max(_dot(direction, bent), 1e-300)
        step += along * direction
        left -= along * bent
        before, squares = squares, _dot(left, left)
        if squares <= enough:
            break
        direction = left + squares / before * direction
    return step


def _logits(rows: Rows, solution: Array) -> Array:
    made: Array = rows.times(solution[:-1]) + solution[-1]
    return made


def _gradient(rows: Rows, residuals: Array, penalty: float, solution: Array) -> Array:
    gradient = np.empty_like(solution)
    gradient[:-1] = rows.transposed(residuals) + penalty * solution[:-1]
    gradient[-1] = _sum(residuals)
    return gradient


def _squares(solution: Array) -> float:
    return float(_dot(solution[:-1], solution[:-1]))


@njit(cache=True, nogil=True)
def _back(bounds, columns, values, vector, made):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        factor = vector[row]
        if factor != 0.0:
            for i in range(bounds[row], bounds[row + 1]):
                made[columns[i]] += factor * values[i]


@njit(cache=True, nogil=True)
def _dot(a, b):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@njit(cache=True, nogil=True)
def _sum(values):  # type: ignore[no-untyped-def]
    total = 0.0
    for value in values:
        total += value
    return total


@njit(cache=True, nogil=True)
def _loss(logits, labels, weights):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(len(logits)):
        z = logits[i]
        total += weights[i] * (max(z, 0.0) + log(1.0 + exp(-abs(z))) - labels[i] * z)
    return total
