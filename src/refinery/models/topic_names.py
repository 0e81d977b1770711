"""What topics are called: the words and pairs of neighbours behind the buckets that weigh most in them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.features import pair_hash
from refinery.text.hashing import hash_bytes

SHOWN = 8  # terms of a topic


def name_topics(
    prepared: TextBatch, buckets: NDArray[np.uint32], weights: NDArray[np.float32], bits: int, most_words: int
) -> list[list[str]]:
    """Terms of each topic, the weightiest first, without one that is part of another, as they stand in the texts.

    buckets: uint32 (terms,); weights: float32 (terms, topics); bits, most_words: of the features.
    Where several words share a bucket, that which is most of its occurrences is told.
    """
    ranked = np.argsort(-weights, axis=0, kind="stable")[: 4 * SHOWN]
    wanted = np.full(1 << bits, -1, np.int32)
    rows = np.unique(ranked)
    wanted[buckets[rows]] = np.arange(len(rows))
    hashes, votes = np.zeros(len(rows), np.uint64), np.zeros(len(rows), np.int64)
    starts, ends = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    _locate(
        prepared.data,
        prepared.offsets,
        np.uint64((1 << bits) - 1),
        most_words,
        wanted,
        hashes,
        votes,
        starts,
        ends,
    )
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    texts = dict(zip(rows.tolist(), (_text(prepared.data[a:b]) for a, b in spans), strict=True))
    return [
        _different([texts[row] for row in column if weights[row, number] > 0])
        for number, column in enumerate(ranked.T.tolist())
    ]


def _text(data: NDArray[np.uint8]) -> str:
    """A term; characters of scripts without spaces stand side by side."""
    first, _, second = data.tobytes().decode().partition(" ")
    spaced = first.isascii() or second.isascii() or len(first) > 1 or len(second) > 1
    return f"{first} {second}".strip() if spaced else first + second


def _different(terms: list[str]) -> list[str]:
    """The terms that are no part of another one, and no single character, at most SHOWN."""
    whole = [one for one in terms if not any(one != other and one in other for other in terms)]
    return [one for one in whole if len(one) > 1][:SHOWN]


@njit(cache=True, nogil=True)
def _locate(data, offsets, mask, most_words, wanted, hashes, votes, starts, ends):  # type: ignore[no-untyped-def]
    """Where a word or pair of each wanted bucket stands: of several that of the majority (Boyer and Moore 1981)."""
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        words, before, last = 0, np.uint64(0), position
        while position < end and words < most_words:
            start = position
            while position < end and data[position] != 32:
                position += 1
            word = hash_bytes(data, start, position)
            for kind in range(2 if words else 1):
                found = word if kind == 0 else pair_hash(before, word)
                row = wanted[found & mask]
                if row >= 0:
                    if votes[row] == 0:
                        hashes[row], starts[row], ends[row] = found, start if kind == 0 else last, position
                    votes[row] += 1 if hashes[row] == found else -1
            before, last = word, start
            position += 1
            words += 1
