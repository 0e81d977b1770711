"""A latent space of a sample: the directions in which its TF-IDF rows vary most, see refinery.models.space.

Found by a randomized singular value decomposition with three power iterations (Halko, Martinsson and Tropp 2011,
SIAM Review 53, 217-288, algorithm 4.4) of the columns that most documents have. Linear algebra is LAPACK's, whose
last bits a processor decides.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.models.space import Space, space_of
from refinery.recall.logistic import Rows
from refinery.shuffle.partition import hash_numbers

# Twice the directions and four times the features rank the topics of docs/recall.md no better, at twice the time.
DIRECTIONS, _COLUMNS = 32, 1 << 13
_MORE = 12  # directions that are searched beside those wanted
_ITERATIONS = 4
_BLOCK = np.float32


def latent_space(rows: Rows, inverse: NDArray[np.float32], wanted: int = DIRECTIONS) -> Space:
    """The directions of documents' rows, the first of them the one in which they vary most.

    rows: weighed by TF-IDF; inverse: by bucket, of features.inverse_frequencies. Fewer directions are found where
    documents or features are few.
    """
    bits = len(inverse).bit_length() - 1
    having = np.bincount(rows.columns, minlength=rows.width)
    common = np.sort(np.argsort(-having, kind="stable")[: min(_COLUMNS, int((having > 1).sum()))])
    narrow = _narrow(rows, common)
    size = min(wanted + _MORE, len(rows), len(common))
    signs = hash_numbers(np.arange(len(common) * size)).reshape(len(common), size) >> np.uint64(63)
    block = signs.astype(_BLOCK) * 2 - 1
    for _ in range(_ITERATIONS):
        block = _transposed(narrow, _orthonormal(_times(narrow, block)))
    # the block is the rows' transposed projection on a basis, so its left singular vectors are directions
    vectors = _orthonormal(block)[:, :wanted] * inverse[common][:, None]
    scale = np.abs(vectors).max(initial=1e-30)
    return space_of(common.astype(np.uint32), (vectors / scale).astype(np.float16), bits)


def _orthonormal(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Left singular vectors of a tall block, those of the largest singular values first, of those next to 0 none."""
    squares, turn = np.linalg.eigh(block.T.astype(np.float64) @ block)
    kept = np.flatnonzero(squares > squares[-1:].max(initial=0.0) * 1e-8)[::-1]
    vectors = block @ (turn[:, kept] / np.sqrt(squares[kept])).astype(np.float32)
    return np.ascontiguousarray(vectors)


def dense_rows(places: NDArray[np.float32]) -> Rows:
    """Rows that have every column: float32 (rows, columns)."""
    number, width = places.shape
    columns = np.tile(np.arange(width, dtype=np.uint32), number)
    return Rows(width * np.arange(number + 1), columns, places.ravel(), width)


def _narrow(rows: Rows, wanted: NDArray[np.int64]) -> Rows:
    """The rows of these columns alone, which are numbered anew."""
    place = np.full(rows.width, -1, np.int32)
    place[wanted] = np.arange(len(wanted))
    bounds = np.zeros(len(rows) + 1, np.int64)
    columns = np.empty(len(rows.columns) + 1, np.uint32)  # untouched pages are free
    values = np.empty(len(rows.columns) + 1, np.float32)
    _choose(rows.bounds, rows.columns, rows.values, place, bounds, columns, values)
    return Rows(bounds, columns[: bounds[-1]], values[: bounds[-1]], len(wanted))


def _times(rows: Rows, block: NDArray[np.float32]) -> NDArray[np.float32]:
    made = np.zeros((len(rows), block.shape[1]), _BLOCK)
    _multiply(rows.bounds, rows.columns, rows.values, block, made)
    return made


def _transposed(rows: Rows, block: NDArray[np.float32]) -> NDArray[np.float32]:
    made = np.zeros((rows.width, block.shape[1]), _BLOCK)
    _multiply_transposed(rows.bounds, rows.columns, rows.values, block, made)
    return made


@njit(cache=True, nogil=True)
def _choose(bounds, columns, values, place, made_bounds, made_columns, made_values):  # type: ignore[no-untyped-def]
    n = 0
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            column = place[columns[i]]
            made_columns[n], made_values[n] = column, values[i]
            n += column >= 0
        made_bounds[row + 1] = n


@njit(cache=True, nogil=True)
def _multiply(bounds, columns, values, block, made):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        start, end = bounds[row], bounds[row + 1]
        whole = end - (end - start) % 4
        for i in range(start, whole, 4):  # four at a time, in order, as in models.space
            a, b, c, d = columns[i], columns[i + 1], columns[i + 2], columns[i + 3]
            fa, fb, fc, fd = values[i], values[i + 1], values[i + 2], values[i + 3]
            for j in range(block.shape[1]):
                total = made[row, j] + fa * block[a, j]
                total += fb * block[b, j]
                total += fc * block[c, j]
                made[row, j] = total + fd * block[d, j]
        for i in range(whole, end):
            factor, column = values[i], columns[i]
            for j in range(block.shape[1]):
                made[row, j] += factor * block[column, j]


@njit(cache=True, nogil=True)
def _multiply_transposed(bounds, columns, values, block, made):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            factor, column = values[i], columns[i]
            for j in range(block.shape[1]):
                made[column, j] += factor * block[row, j]
