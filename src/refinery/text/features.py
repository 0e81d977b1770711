"""Hashed features of prepared texts, sparse: which words and pairs of neighbours a document has, and how often.

A feature is a word of `refinery.text.prepare` (in scripts without spaces a character), a pair of neighbours or, where
they are wanted, a piece of a word, hashed into 2^bits buckets with the hashes of refinery.text.ngrams_hashed; no
words are kept. Pieces are PIECE characters in a row of a longer word, those at its start and at its end apart: they
tell what it shares with words that were never seen (Bojanowski et al. 2017, TACL 5, 135-146). Features of many
documents lie as compressed sparse rows, so that what is learnt from them (nearest seed, topics, a linear model) is a
loop over arrays. A row counts the first MOST_WORDS words of a document: what a document is about it says early, and
the memory of a sample is bounded so.

TF-IDF as Salton and Buckley 1988 (Information Processing and Management 24, 513-523) have it: a feature counts
(1 + ln tf) ln((1 + N) / (1 + df)), the row then has length 1. Logarithms are the package's own, so values are the
same on every processor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import four, hash_bytes, hash_short, mix

BITS = 20
MOST_BITS = 22  # two passes of the sort
MOST_WORDS = 4096
PIECE = 4
LONGEST_WORD = 40  # characters, of which pieces are taken: what is longer is no word
_BLOCK_ENTRIES = 1 << 22
_DIGIT = np.uint32(11)  # bits that a pass of the sort looks at
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
# Where in a word a piece is.
_BETWEEN, _START, _END = (np.uint64(0xD6E8FEB86659FD93 ^ place) for place in range(3))
_NO_BUCKET, _MOST_COUNT = np.uint32(0xFFFFFFFF), np.uint16(0xFFFF)


@dataclass(frozen=True)
class Features:
    """Document i has features `buckets[bounds[i]:bounds[i + 1]]`, ascending and different, so often as `counts` says.

    bounds: int64 (documents + 1,), from 0; buckets: uint32 (entries,), below 2^bits; counts: uint16 (entries,).
    """

    bounds: NDArray[np.int64]
    buckets: NDArray[np.uint32]
    counts: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def take(self, documents: NDArray[np.int64]) -> Features:
        """Some of the documents, in the order of their numbers."""
        return Features(*take_rows(self.bounds, self.buckets, self.counts, documents))

    def blocks(self) -> Iterator[Features]:
        """All documents in order, some at a time, of _BLOCK_ENTRIES each or one that has more."""
        start = 0
        while start < len(self):
            most = self.bounds[start] + _BLOCK_ENTRIES
            stop = max(int(np.searchsorted(self.bounds, most, "right")) - 1, start + 1)
            low, high = self.bounds[start], self.bounds[stop]
            bounds = self.bounds[start : stop + 1] - low
            yield Features(bounds, self.buckets[low:high], self.counts[low:high])
            start = stop


def take_rows(
    bounds: NDArray[np.int64], columns: NDArray[np.uint32], values: NDArray[Any], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[Any]]:
    """Bounds, columns and values of some of compressed sparse rows."""
    taken = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(np.diff(bounds)[rows], out=taken[1:])
    made_columns, made_values = np.empty(taken[-1], columns.dtype), np.empty(taken[-1], values.dtype)
    _take(bounds, columns, values, rows, taken, made_columns, made_values)
    return taken, made_columns, made_values


def features(
    prepared: TextBatch, bits: int = BITS, most_words: int = MOST_WORDS, pieces: bool = False
) -> Features:
    """Features of texts that `refinery.text.prepare.prepare` has made.

    bits: at most MOST_BITS; most_words: of a document, at most MOST_WORDS * 8; pieces: whether of words too. A count
    above 65,535 is told as that.

    >>> found = features(TextBatch.from_texts(["to be or not to be", ""]))
    >>> found.bounds.tolist(), sorted(found.counts.tolist())
    ([0, 8, 8], [1, 1, 1, 1, 1, 2, 2, 2])
    """
    text = prepared.data[prepared.offsets[0] : prepared.offsets[-1]]
    words = int(np.count_nonzero(text == 32)) + len(prepared)
    bytes_most = int(np.diff(prepared.offsets).max(initial=0))
    longest = min(most_words, bytes_most // 2 + 1)
    size, most = 2 * words, 2 * longest
    if pieces:
        size, most = size + len(text), most + min(bytes_most, longest * LONGEST_WORD)
    buckets, counts = np.empty(size, np.uint32), np.empty(size, np.uint16)  # untouched pages are free
    bounds = np.zeros(len(prepared) + 1, np.int64)
    room, mask = np.empty((2, most), np.uint32), np.uint64((1 << bits) - 1)
    _count(prepared.data, prepared.offsets, mask, most_words, pieces, room, bounds, buckets, counts)
    return Features(bounds, buckets[: bounds[-1]].copy(), counts[: bounds[-1]].copy())


@njit(cache=True, nogil=True)
def _take(bounds, columns, values, rows, made_bounds, made_columns, made_values):  # type: ignore[no-untyped-def]
    for number in range(len(rows)):
        start, to = bounds[rows[number]], made_bounds[number]
        for i in range(made_bounds[number + 1] - to):
            made_columns[to + i], made_values[to + i] = columns[start + i], values[start + i]


@njit(cache=True, nogil=True)
def pair_hash(before, word):  # type: ignore[no-untyped-def]
    """The hash of a pair of neighbours, uint64, of their own."""
    return mix(before * _FACTOR ^ word)


@njit(cache=True, nogil=True, inline="always")  # a call would count references to its arrays, word by word
def _cut(data, start, end, mask, starts, room, n):  # type: ignore[no-untyped-def]
    """Puts the pieces of a word of more than PIECE bytes into room[0, n:], gives how many are there.

    starts: room for places of characters.
    """
    every = np.uint8(0)
    for position in range(start, end):
        every |= data[position]
    if every < 128:
        if end - start > LONGEST_WORD:
            return n
        last = end - PIECE
        for position in range(start, last + 1):
            where = _START if position == start else _END if position == last else _BETWEEN
            room[0, n] = np.uint32(mix(hash_short(four(data, position), PIECE) ^ where) & mask)
            n += 1
        return n
    characters = 0
    for position in range(start, end):
        if data[position] & 0xC0 != 0x80:
            if characters == LONGEST_WORD:
                return n
            starts[characters] = position
            characters += 1
    if characters <= PIECE:
        return n
    starts[characters] = end
    last = characters - PIECE
    for i in range(last + 1):
        where = _START if i == 0 else _END if i == last else _BETWEEN
        room[0, n] = np.uint32(mix(hash_bytes(data, starts[i], starts[i + PIECE]) ^ where) & mask)
        n += 1
    return n


@njit(cache=True, nogil=True)
def _count(data, offsets, mask, most_words, pieces, room, bounds, buckets, counts):  # type: ignore[no-untyped-def]
    """Fills bounds, buckets and counts; room: uint32 (2, features of the longest document)."""
    size, starts = np.int64(0), np.empty(LONGEST_WORD + 1, np.int64)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        words, n, before = 0, 0, np.uint64(0)
        while position < end and words < most_words:
            start = position
            while position < end and data[position] != 32:
                position += 1
            word = hash_bytes(data, start, position)
            if pieces and position - start > PIECE:
                n = _cut(data, start, position, mask, starts, room, n)
            position += 1
            room[0, n] = np.uint32(word & mask)
            n += 1
            if words:
                room[0, n] = np.uint32(pair_hash(before, word) & mask)
                n += 1
            before = word
            words += 1
        _sort(room, n)
        last, often, bucket = size - 1, np.uint16(0), _NO_BUCKET
        for i in range(n):  # without a branch, which would be guessed wrong as often as not
            new = room[0, i] != bucket
            bucket = room[0, i]
            last += new
            often = np.uint16(1) if new else np.uint16(often + (often < _MOST_COUNT))
            buckets[last], counts[last] = bucket, often
        size = last + 1
        bounds[document + 1] = size


@njit(cache=True, nogil=True)
def _sort(room, n):  # type: ignore[no-untyped-def]
    """Sorts room[0, :n], below 2^22: by insertion where there are few, else by radix over two digits."""
    if n <= 64:
        for i in range(1, n):
            value, j = room[0, i], i
            while j > 0 and room[0, j - 1] > value:
                room[0, j] = room[0, j - 1]
                j -= 1
            room[0, j] = value
        return
    low = np.uint32((1 << 11) - 1)
    starts = np.zeros((2, 1 << 11), np.int32)
    for i in range(n):
        starts[0, room[0, i] & low] += 1
        starts[1, room[0, i] >> _DIGIT] += 1
    before_low, before_high = np.int32(0), np.int32(0)
    for digit in range(1 << 11):
        starts[0, digit], before_low = before_low, before_low + starts[0, digit]
        starts[1, digit], before_high = before_high, before_high + starts[1, digit]
    for i in range(n):
        digit = room[0, i] & low
        room[1, starts[0, digit]] = room[0, i]
        starts[0, digit] += 1
    for i in range(n):
        digit = room[1, i] >> _DIGIT
        room[0, starts[1, digit]] = room[1, i]
        starts[1, digit] += 1


def inverse_frequencies(found: Features, bits: int = BITS) -> NDArray[np.float32]:
    """ln((1 + N) / (1 + df)) by bucket, float32 (2^bits,): of N documents so many have it."""
    return inverse_of_counts(frequencies(found, bits), len(found))


def frequencies(found: Features, bits: int = BITS) -> NDArray[np.int64]:
    """How many documents have each bucket, int64 (2^bits,)."""
    having = np.zeros(1 << bits, np.int64)
    for block in found.blocks():  # NumPy counts a copy in int64
        having += np.bincount(block.buckets, minlength=1 << bits)
    return having


def inverse_of_counts(having: NDArray[np.int64], documents: int) -> NDArray[np.float32]:
    """The same of counts: by bucket, of so many documents those that have it."""
    from refinery.text.elementary import logs

    every = logs(np.arange(1, documents + 2, dtype=np.float64))
    inverse: NDArray[np.float32] = (every[documents] - every[having]).astype(np.float32)
    return inverse


def weigh(found: Features, inverse: NDArray[np.float32]) -> NDArray[np.float32]:
    """TF-IDF of every entry, float32 (entries,): rows have length 1, or 0 where no entry counts.

    inverse: by bucket, see `inverse_frequencies`.
    """
    values = np.empty(len(found.buckets), np.float32)
    _weigh(found.bounds, found.buckets, found.counts, inverse, dampings(), values)
    return values


@cache
def dampings() -> NDArray[np.float32]:
    """1 + ln tf by tf, which is a uint16; of 0 it is 0."""
    from refinery.text.elementary import logs

    table = np.zeros(1 << 16, np.float32)
    table[1:] = 1 + logs(np.arange(1, 1 << 16, dtype=np.float64))
    return table


@njit(cache=True, nogil=True)
def _weigh(bounds, buckets, counts, inverse, dampings, values):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        squares = 0.0
        for i in range(bounds[row], bounds[row + 1]):
            value = dampings[counts[i]] * inverse[buckets[i]]
            values[i] = value
            squares += np.float64(value) * np.float64(value)
        scale = 1 / np.sqrt(squares) if squares > 0 else 0.0
        for i in range(bounds[row], bounds[row + 1]):
            values[i] = np.float32(values[i] * scale)
