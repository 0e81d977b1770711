"""A latent space of a sample: the directions in which its TF-IDF rows vary most (Deerwester et al. 1990, JASIS 41).

Words that occur in the same documents point the same way there, so that what a few seeds say of one word says
something of its neighbours. Found by a randomized singular value decomposition with one power iteration (Halko,
Martinsson and Tropp 2011, SIAM Review 53, 217-288, algorithm 4.4) of the columns that most documents have. Linear
algebra is LAPACK's, whose last bits a processor decides.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.recall.logistic import Line, Rows
from refinery.shuffle.partition import hash_numbers

DIRECTIONS = 64
_MORE = 12  # directions that are searched beside those wanted
_COLUMNS = 1 << 15
_BLOCK = np.float32


def directions(rows: Rows, wanted: int = DIRECTIONS) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Where each column stands among the common ones, int32 (width,), -1 of others; float32 (common, directions).

    A row times a direction is of about the same size for each of them. Fewer are found where rows or columns are few.
    """
    having = np.bincount(rows.columns, minlength=rows.width)
    common = np.sort(np.argsort(-having, kind="stable")[: min(_COLUMNS, int((having > 1).sum()))])
    place = np.full(rows.width, -1, np.int32)
    place[common] = np.arange(len(common))
    size = min(wanted + _MORE, len(rows), len(common))
    signs = hash_numbers(np.arange(len(common) * size)).reshape(len(common), size) >> np.uint64(63)
    block = signs.astype(_BLOCK) * 2 - 1
    for _ in range(2):
        block, _ = _orthonormal(_times(rows, place, block))
        block = _transposed(rows, place, len(common), block)
    # the block is the rows' transposed projection on a basis, so its left singular vectors are directions
    found, sizes = _orthonormal(block)
    found, sizes = found[:, :wanted], sizes[:wanted]
    return place, np.ascontiguousarray(found / sizes * np.float32((len(rows) / max(len(sizes), 1)) ** 0.5))


def _orthonormal(block: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Left singular vectors of a tall block and the singular values, the largest first; without those next to 0."""
    squares, turn = np.linalg.eigh(block.T.astype(np.float64) @ block)
    kept = np.flatnonzero(squares > squares[-1:].max(initial=0.0) * 1e-8)[::-1]
    sizes = np.sqrt(squares[kept])
    vectors = block @ (turn[:, kept] / sizes).astype(np.float32)
    return np.ascontiguousarray(vectors), sizes.astype(np.float32)


def beside(
    rows: Rows, place: NDArray[np.int32], found: NDArray[np.float32], size: float
) -> tuple[Rows, NDArray[np.float32]]:
    """The rows with their places in the space as further columns, and the directions that these are products with.

    size: root mean square of a row's length in the space.
    """
    where = _times(rows, place, found)
    scales = np.sqrt(np.mean(where.astype(np.float64) ** 2, axis=0) * found.shape[1])
    scales = np.where(scales > 0, size / np.maximum(scales, 1e-12), 0.0).astype(np.float32)
    where *= scales
    more = where.shape[1]
    bounds = rows.bounds + more * np.arange(len(rows) + 1)
    columns = np.empty(bounds[-1], np.uint32)
    values = np.empty(bounds[-1], np.float32)
    _join(rows.bounds, rows.columns, rows.values, where, np.uint32(rows.width), columns, values)
    return Rows(bounds, columns, values, rows.width + more), found * scales


def folded(line: Line, place: NDArray[np.int32], found: NDArray[np.float32]) -> Line:
    """The line over rows alone that a line over `beside` of them is."""
    width = len(place)
    made = line.coefficients[:width].copy()
    made[place >= 0] += found.astype(np.float64) @ line.coefficients[width:]
    return Line(made, line.bias)


def _times(rows: Rows, place: NDArray[np.int32], block: NDArray[np.float32]) -> NDArray[np.float32]:
    made = np.zeros((len(rows), block.shape[1]), _BLOCK)
    _multiply(rows.bounds, rows.columns, rows.values, place, block, made, False)
    return made


def _transposed(
    rows: Rows, place: NDArray[np.int32], common: int, block: NDArray[np.float32]
) -> NDArray[np.float32]:
    made = np.zeros((common, block.shape[1]), _BLOCK)
    _multiply(rows.bounds, rows.columns, rows.values, place, block, made, True)
    return made


@njit(cache=True, nogil=True)
def _multiply(bounds, columns, values, place, block, made, transposed):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            column = place[columns[i]]
            if column >= 0:
                into, of = (column, row) if transposed else (row, column)
                for j in range(block.shape[1]):
                    made[into, j] += values[i] * block[of, j]


@njit(cache=True, nogil=True)
def _join(bounds, columns, values, where, width, made_columns, made_values):  # type: ignore[no-untyped-def]
    at = 0
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            made_columns[at], made_values[at] = columns[i], values[i]
            at += 1
        for j in range(where.shape[1]):
            made_columns[at], made_values[at] = width + np.uint32(j), where[row, j]
            at += 1
