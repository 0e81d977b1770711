"""Texts for benchmarks/passages.py, made from document numbers, with repeated passages that are known.

A document is twelve pieces of 256 characters. Piece 0 of every tenth document is one footer; pieces 3, 6 and 9 of
every second one are of a pool, which has one passage for ten documents; all others are of this document alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, K2, mix

PIECES, PIECE = 12, 256
DOCUMENT = PIECES * PIECE
SHARD_DOCUMENTS = 20_000  # 61 MB
BATCH_DOCUMENTS = 2000


@dataclass(frozen=True)
class MadeShard:
    """Documents start:start + rows of a corpus of so many, as refinery.sources.documents.ShardDocuments."""

    start: int
    rows: int
    documents: int
    source: str = "made"
    trust: int = 0
    earlier: bool = False

    @property
    def name(self) -> str:
        return f"documents from {self.start}"

    @property
    def arrived(self) -> int:
        return self.rows

    @property
    def bytes(self) -> int:
        return self.rows * DOCUMENT

    def arrives(self) -> NDArray[np.bool_]:
        return np.ones(self.rows, np.bool_)

    def columns(self, names: Sequence[str]) -> pa.Table:
        return pa.table({name: pa.nulls(self.rows) for name in names})

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        for first in range(0, len(documents), BATCH_DOCUMENTS):
            numbers = self.start + documents[first : first + BATCH_DOCUMENTS]
            data = np.empty(len(numbers) * DOCUMENT, np.uint8)
            _write(numbers, max(self.documents // 10, 1), data)
            yield TextBatch(data, np.arange(0, len(data) + 1, DOCUMENT))


def shards(documents: int) -> list[MadeShard]:
    """The whole corpus."""
    starts = range(0, documents, SHARD_DOCUMENTS)
    return [MadeShard(start, min(SHARD_DOCUMENTS, documents - start), documents) for start in starts]


def expected(documents: int) -> int:
    """Characters that are copies of an earlier document's, and go: whole pieces."""
    numbers = np.repeat(np.arange(0, documents, 2), 3)
    pool = _pool(numbers, np.tile(np.array([3, 6, 9]), len(numbers) // 3), max(documents // 10, 1))
    copies = len(numbers) - len(np.unique(pool))
    return PIECE * (max(len(range(0, documents, 10)) - 1, 0) + copies)


@njit(cache=True, nogil=True)
def _of_pool(number, piece, size):  # type: ignore[no-untyped-def]
    return mix(np.uint64(number) * K2 + np.uint64(piece) * K1) % np.uint64(size)


@njit(cache=True, nogil=True)
def _pool(numbers, pieces, size):  # type: ignore[no-untyped-def]
    found = np.empty(len(numbers), np.uint64)
    for i in range(len(numbers)):
        found[i] = _of_pool(numbers[i], pieces[i], size)
    return found


@njit(cache=True, nogil=True)
def _write(numbers, size, data):  # type: ignore[no-untyped-def]
    at = 0
    for i in range(len(numbers)):
        number = np.uint64(numbers[i])
        for piece in range(PIECES):
            seed = (number * np.uint64(PIECES) + np.uint64(piece) + np.uint64(1)) * K1
            if piece == 0 and number % np.uint64(10) == 0:
                seed = K2
            elif piece in (3, 6, 9) and number % np.uint64(2) == 0:
                seed = mix(_of_pool(number, piece, size) + np.uint64(1)) ^ K2
            word = 0
            for _ in range(PIECE):
                if word == 0:
                    seed = seed * K1 + K2
                    letters = mix(seed)
                    word = np.int64(letters % np.uint64(8)) + 2
                    data[at] = 32
                else:
                    data[at] = 97 + letters % np.uint64(26)
                    letters = letters // np.uint64(26)
                    word -= 1
                at += 1
