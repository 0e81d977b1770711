"""Kernels: documents without passages that are cut out of them, and parts of documents as texts of their own."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch


def cut_out(
    batch: TextBatch, documents: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> TextBatch:
    """The texts without the bytes starts[i]:ends[i] of document documents[i], all int64.

    Passages are in the order of their documents and then of their starts, and do not overlap.

    >>> batch = TextBatch.from_texts(["keep", "one two three"])
    >>> cut_out(batch, *(np.array([n], np.int64) for n in (1, 4, 8))).to_arrow().to_pylist()
    ['keep', 'one three']
    """
    out, bounds = np.empty(batch.nbytes, np.uint8), np.zeros(len(batch) + 1, np.int64)
    _cut_out(batch.data, batch.offsets, documents, starts, ends, out, bounds)
    return TextBatch(out[: bounds[-1]], bounds)


def count_characters(
    batch: TextBatch, documents: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """int64: the characters of each passage, given as for `cut_out`, in any order.

    >>> batch = TextBatch.from_texts(["\u5e74 is a year"])
    >>> count_characters(batch, *(np.array([n], np.int64) for n in (0, 0, 6))).tolist()
    [4]
    """
    counts = np.empty(len(documents), np.int64)
    _count_characters(batch.data, batch.offsets, documents, starts, ends, counts)
    return counts


def slices(batch: TextBatch, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> TextBatch:
    """The parts data[starts[i]:ends[i]] of a batch as texts, in any order; starts, ends: int64.

    >>> batch = TextBatch.from_texts(["one two"])
    >>> slices(batch, *(np.array(n, np.int64) for n in ([4, 0], [7, 3]))).to_arrow().to_pylist()
    ['two', 'one']
    """
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(ends - starts)])
    out = np.empty(bounds[-1], np.uint8)
    _slices(batch.data, starts, ends, out)
    return TextBatch(out, bounds)


@njit(cache=True, nogil=True)
def copy_bytes(data, start, stop, out, size):  # type: ignore[no-untyped-def]
    """Writes data[start:stop] to `out` from `size` on; gives where it ends."""
    for i in range(start, stop):
        out[size] = data[i]
        size += 1
    return size


@njit(cache=True, nogil=True)
def _slices(data, starts, ends, out):  # type: ignore[no-untyped-def]
    size = 0
    for part in range(len(starts)):
        size = copy_bytes(data, starts[part], ends[part], out, size)


@njit(cache=True, nogil=True)
def _cut_out(data, offsets, documents, starts, ends, out, bounds):  # type: ignore[no-untyped-def]
    size, passage = 0, 0
    for document in range(len(offsets) - 1):
        first, last = offsets[document], offsets[document + 1]
        position = first
        while passage < len(documents) and documents[passage] == document:
            size = copy_bytes(data, position, first + starts[passage], out, size)
            position = first + ends[passage]
            passage += 1
        size = copy_bytes(data, position, last, out, size)
        bounds[document + 1] = size


@njit(cache=True, nogil=True)
def _count_characters(data, offsets, documents, starts, ends, counts):  # type: ignore[no-untyped-def]
    for passage in range(len(documents)):
        first = offsets[documents[passage]]
        count = 0
        for i in range(first + starts[passage], first + ends[passage]):
            count += data[i] & 0xC0 != 0x80
        counts[passage] = count
