"""Word n-grams of prepared text as an n-gram language model has them: their keys, and how probable a text is.

A word is 32 bits of its hash, an n-gram a key of 64 bits that grows from its last word to its first: the key of an
n-gram is made of that of its suffix, and the keys of a word's context are those that end at the word before. Of a
million different words some 230 share their 32 bits with another; such words count as one.

A model (refinery.models.ngram) is a hash table (refinery.text.buckets) of n-grams, and a table of their values. The
upper half of a key says in which bucket it stands, the lower half is its key there, its number a row of values: for
each of one or two texts two float32, what the n-gram adds to its last word's probability, u, and the share γ that the
n-gram as a context leaves to the shorter one. n-grams with the same values share a row, so there are some ten times
less. Rows that are used most come first, those of contexts, with γ < 1, after all others. Row 0 stands for what is
not in the table: u = 0, γ = 1. Kneser-Ney's interpolation (Chen and Goodman 1998, 4.1.6) is
p(w | c) = u(c w) + γ(c) p(w | c without its first word). An n-gram c w is looked up only if c is a context and what
is without its first word is in the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.borrow import borrow
from refinery.text.buckets import BUCKET, LAST, in_bucket
from refinery.text.elementary import log
from refinery.text.fasttext_machine import prefetch
from refinery.text.hashing import eight, mix

LONGEST = 8  # words of an n-gram
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONES = np.uint64(0x0101010101010101)
_SPACES = np.uint64(0x2020202020202020)
_PLACES = np.uint64(0x0001020304050607)  # times 256^n, its upper byte is n
_CHUNK = 512  # words that are looked up together, so that the processor waits for many rows at once
_SMALL = 1e-200  # a product of probabilities is kept as a logarithm from here on
_LN2 = 0.6931471805599453


class Chunk(NamedTuple):
    """What is known of words that are looked up together; of _CHUNK of them unless another shape is given.

    hashes: the key of the longest n-gram looked up so far, uint64; numbers: int64 (order, _CHUNK + 1), by length and
    place, column 0 of the word before the chunk; likelihood: float64 (texts, _CHUNK); sought, behind, unsettled: room
    for lists of places, int64 (_CHUNK + 1,): what is looked up, stands behind a context, was in a full bucket.
    """

    hashes: NDArray[np.uint64]
    numbers: NDArray[np.int64]
    likelihood: NDArray[np.float64]
    sought: NDArray[np.int64]
    behind: NDArray[np.int64]
    unsettled: NDArray[np.int64]


def ngram_rows(words: TextBatch, order: int) -> NDArray[np.uint32]:
    """Of every word of prepared texts the word itself and those before it, last first: uint32 (words, order).

    Before the first word of a document stands 0, which no word is.
    """
    counts = np.empty(len(words), np.int64)
    _count_words(words.data, words.offsets, counts)
    rows = np.zeros((int(counts.sum()), order), np.uint32)
    _fill_rows(words.data, words.offsets, rows)
    return rows


def ngram_keys(rows: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """The key of each n-gram, uint64 (rows,); rows: uint32 (rows, n), last words first."""
    keys = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        lengthen(keys, np.ascontiguousarray(column))
    return keys


@njit(cache=True, nogil=True)
def lengthen(keys, words):  # type: ignore[no-untyped-def]
    """Makes each key (uint64) that of the n-gram with one more word (uint32) in front."""
    for i in range(len(keys)):
        keys[i] = _longer(keys[i], words[i])


@njit(cache=True, nogil=True)
def _longer(key, word):  # type: ignore[no-untyped-def]
    key = (np.uint64(key) ^ np.uint64(word)) * _FACTOR  # enough: a word's number is a hash
    return key ^ key >> _HALF


@njit(cache=True, nogil=True)
def _count_words(data, offsets, counts):  # type: ignore[no-untyped-def]
    for document in range(len(counts)):
        start, end = offsets[document], offsets[document + 1]
        found = np.int64(start < end)
        for position in range(start, end):
            found += data[position] == 32
        counts[document] = found


@njit(cache=True, nogil=True)
def _next_word(data, position, end):  # type: ignore[no-untyped-def]
    """The number of the word that begins at a position, uint32 and never 0, and where it ends."""
    h = np.uint64(0)
    while position + 8 <= end:
        x = eight(data, position)
        other = x ^ _SPACES
        found = (other - _ONES) & ~other & (_ONES << np.uint64(7))  # the lowest bit is the first space's
        if found:
            space = (found & (~found + np.uint64(1))) >> np.uint64(7)
            return _number(h ^ x & (space - np.uint64(1))), position + np.int64(
                space * _PLACES >> np.uint64(56)
            )
        h = (h ^ x) * _FACTOR
        h ^= h >> _HALF
        position += 8
    x, size = np.uint64(0), np.uint64(0)
    while position < end and data[position] != 32:
        x |= np.uint64(data[position]) << size
        size += np.uint64(8)
        position += 1
    return _number(h ^ x), position


@njit(cache=True, nogil=True)
def _number(h):  # type: ignore[no-untyped-def]
    return max(np.uint32(mix(h) >> _HALF), np.uint32(1))


@njit(cache=True, nogil=True)
def _fill_rows(data, offsets, rows):  # type: ignore[no-untyped-def]
    row = np.int64(0)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        first = True
        while position < end:
            rows[row, 0], position = _next_word(data, position, end)
            if not first:
                for n in range(1, rows.shape[1]):
                    rows[row, n] = rows[row - 1, n - 1]
            first = False
            position += 1
            row += 1


@njit(cache=True, nogil=True)
def cross_entropies(  # type: ignore[no-untyped-def]
    data, offsets, entries, values, buckets, contexts, order, unknown, bits, counts
):
    """Fills in bits a word under each text's model and the number of words, by document; 0 bits without a word.

    data, offsets: prepared text. entries: uint32 (all buckets, 2 * ROOM); values: float32 (rows, 2 * texts); buckets:
    int64, those at which a search may begin; contexts: int64, the first row of a context; order: int64; unknown:
    float64 (texts,), the probability of a word that no text has; bits: float64 (texts, documents); counts: int64
    (documents,).
    """
    texts = len(unknown)
    words = np.zeros(order + _CHUNK, np.uint32)  # before a chunk stand the words that came before it
    numbers, lists = np.zeros((order, _CHUNK + 1), np.int64), np.empty((3, _CHUNK + 1), np.int64)
    hashes, likelihood = np.empty(_CHUNK, np.uint64), np.empty((texts, _CHUNK))
    chunk = Chunk(hashes, numbers, likelihood, lists[0], lists[1], lists[2])
    product, total = np.empty(texts), np.empty(texts)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        seen = np.int64(0)
        product[:], total[:] = 1.0, 0.0
        numbers[:, 0] = 0
        while position < end:
            size = np.int64(0)
            while size < _CHUNK and position < end:
                words[order + size], position = _next_word(data, position, end)
                position += 1
                size += 1
            _look_up(
                borrow(entries),
                borrow(values),
                buckets,
                contexts,
                borrow(words),
                size,
                unknown,
                borrow(chunk),
            )
            _multiply(likelihood, size, product, total)
            numbers[:, 0] = numbers[:, size]
            words[:order] = words[size : size + order]
            seen += size
        counts[document] = seen
        for text in range(texts):
            if product[text] < 1.0:
                total[text] -= log(product[text])
            bits[text, document] = total[text] / (_LN2 * (seen + (seen == 0)))


@njit(cache=True, nogil=True)
def _look_up(entries, values, buckets, contexts, words, size, unknown, chunk):  # type: ignore[no-untyped-def]
    """Fills in the numbers of the n-grams that end at each word of a chunk, and how likely the word is.

    Nothing that the processor has to guess depends on what stands in the table, so it waits for many rows at once.
    """
    numbers, behind, order = chunk.numbers, chunk.behind, len(chunk.numbers)
    sought, follow = size, np.int64(0)
    chunk.hashes[:size] = 0
    for place in range(size):
        chunk.sought[place] = place
    for n in range(order):
        numbers[n, 1 : size + 1] = 0
        _search(entries, buckets, words[order - n :], chunk, sought, numbers[n, 1:])
        for text in range(len(unknown)):
            likelihood = chunk.likelihood[text]
            if n == 0:
                for place in range(size):
                    likelihood[place] = unknown[text] + np.float64(values[numbers[0, place + 1], 2 * text])
            for k in range(follow):
                j = np.uint64(behind[k])
                share = np.float64(values[numbers[n - 1, j], 2 * text + 1])
                added = np.float64(values[numbers[n, j + np.uint64(1)], 2 * text])
                likelihood[j] = likelihood[j] * share + added
        behind[0], follow = 0, np.int64(numbers[n, 0] >= contexts)
        for k in range(sought):
            j = np.uint64(chunk.sought[k] + 1)
            behind[follow] = j
            follow += (numbers[n, j] >= contexts) & (j < np.uint64(size))
        sought = np.int64(0)
        for k in range(follow):
            j = np.uint64(behind[k])
            chunk.sought[sought] = j
            sought += numbers[n, j + np.uint64(1)] != 0


@njit(cache=True, nogil=True)
def _search(entries, buckets, words, chunk, count, numbers):  # type: ignore[no-untyped-def]
    """Fills in the numbers of the n-grams that are one word longer, at the first `count` places that are sought."""
    sought, hashes, unsettled = chunk.sought, chunk.hashes, chunk.unsettled
    for k in range(count):  # asks for all buckets before one is searched
        j = np.uint64(sought[k])
        hashes[j] = _longer(hashes[j], words[j])
        prefetch(entries, np.int64(_bucket(hashes[j], buckets) * BUCKET))
    left = np.int64(0)
    for k in range(count):
        j = np.uint64(sought[k])
        bucket = _bucket(hashes[j], buckets)
        number = in_bucket(entries, bucket, hashes[j] & _LOW)
        numbers[j] = number
        unsettled[left] = j
        left += (number == 0) & (entries[bucket, LAST] != 0)
    for k in range(left):  # few
        j = np.uint64(unsettled[k])
        bucket, number = _bucket(hashes[j], buckets), np.uint32(0)
        while number == 0 and entries[bucket, LAST] != 0:
            bucket += np.uint64(1)
            number = in_bucket(entries, bucket, hashes[j] & _LOW)
        numbers[j] = number


@njit(cache=True, nogil=True)
def _bucket(key, buckets):  # type: ignore[no-untyped-def]
    """The bucket in which a key belongs."""
    return (key >> _HALF) * np.uint64(buckets) >> _HALF


@njit(cache=True, nogil=True)
def _multiply(likelihood, size, product, total):  # type: ignore[no-untyped-def]
    """Multiplies `product` by the probabilities of a chunk's words; moves it to `total`, nats, when it is small."""
    for text in range(len(likelihood)):
        all_words, nats = product[text], total[text]
        for j in range(size):
            all_words *= likelihood[text, j]
            if all_words < _SMALL:
                nats -= log(all_words)
                all_words = 1.0
        product[text], total[text] = all_words, nats
