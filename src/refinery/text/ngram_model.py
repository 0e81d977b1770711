"""Word n-grams of prepared text as an n-gram language model has them: their keys, and how probable a text is.

A word is 32 bits of its hash, an n-gram a key of 64 bits that grows from its last word to its first: the key of an
n-gram is made of that of its suffix, and the keys of a word's context are those that end at the word before. Of a
million different words some 230 share their 32 bits with another; such words count as one.

A model (refinery.models.ngram) is a table of rows in buckets of BUCKET numbers: how many rows stand in the buckets
before, and the low halves of keys, 0 where there is none. The upper half of a key says in which bucket it stands;
what finds no room there stands in the next. A row has for each of one or two texts two float32: what the n-gram adds
to its last word's probability, u, and the share γ that the n-gram as a context leaves to the shorter one. Row 0
stands for all that is not in the table: u = 0, γ = 1. Kneser-Ney's interpolation (Chen and Goodman 1998, 4.1.6) is
p(w | c) = u(c w) + γ(c) p(w | c without its first word).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.elementary import log
from refinery.text.hashing import eight, mix

LONGEST = 8  # words of an n-gram
BUCKET = 8  # numbers: how many keys stand in buckets before, and keys
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_ONES = np.uint64(0x0101010101010101)
_SPACES = np.uint64(0x2020202020202020)
_PLACES = np.uint64(0x0001020304050607)  # times 256^n, its upper byte is n
_CHUNK = 128  # words that are looked up together, so that the processor waits for many rows at once
_SMALL = 1e-200  # a product of probabilities is kept as a logarithm from here on
_LN2 = 0.6931471805599453


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
def cross_entropies(data, offsets, keys, values, buckets, order, unknown, bits, counts):  # type: ignore[no-untyped-def]
    """Fills in bits a word under each text's model and the number of words, by document; 0 bits without a word.

    data, offsets: prepared text. keys: uint32 (all buckets, BUCKET); values: float32 (rows, 2 * texts); buckets:
    int64, those at which a search may begin; order: int64; unknown: float64 (texts,), the probability of a word that
    no text has; bits: float64 (texts, documents); counts: int64 (documents,).
    """
    texts = len(unknown)
    words = np.zeros(order + _CHUNK, np.uint32)  # before a chunk stand the words that came before it
    rows = np.empty((order, _CHUNK + 1), np.int64)  # column 0: of the word before the chunk
    hashes, alive = np.empty(_CHUNK + 1, np.uint64), np.empty(_CHUNK, np.int64)
    product, total = np.empty(texts), np.empty(texts)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        seen = np.int64(0)
        product[:], total[:] = 1.0, 0.0
        rows[:, 0] = 0
        while position < end:
            size = np.int64(0)
            while size < _CHUNK and position < end:
                words[order + size], position = _next_word(data, position, end)
                position += 1
                size += 1
            _look_up(keys, values, buckets, words, rows, hashes, alive, size)
            _multiply(values, rows, size, unknown, product, total)
            rows[:, 0] = rows[:, size]
            words[:order] = words[size : size + order]
            seen += size
        counts[document] = seen
        for text in range(texts):
            if product[text] < 1.0:
                total[text] -= log(product[text])
            bits[text, document] = total[text] / (_LN2 * (seen + (seen == 0)))


@njit(cache=True, nogil=True)
def _look_up(keys, values, buckets, words, rows, hashes, alive, size):  # type: ignore[no-untyped-def]
    """Fills in the rows of the n-grams that end at each word of a chunk, those of n words in rows[n - 1].

    Nothing that the processor has to guess depends on what stands in the table, so it waits for many rows at once.
    """
    unsettled = np.empty(len(alive), np.int64)
    number = size
    for j in range(size):
        alive[j], hashes[j] = j, 0
    for n in range(len(rows)):
        rows[n, 1 : size + 1] = 0
        left, met = np.int64(0), np.uint32(0)
        for k in range(number):  # touches all buckets before one is searched
            j = alive[k]
            hashes[j] = _longer(hashes[j], words[len(rows) + j - n])
            met |= keys[_bucket(hashes[j], buckets), 0]
        for k in range(number):
            j = alive[k]
            bucket = _bucket(hashes[j], buckets)
            row = _find(keys, _low(hashes[j]), bucket)
            rows[n, j + 1] = row
            unsettled[left] = j
            left += (row == 0) & (keys[bucket, BUCKET - 1] != 0)
        for k in range(left):  # few: their bucket was full
            key, row = hashes[unsettled[k]], np.int64(0)
            bucket = _bucket(key, buckets)
            while row == 0 and keys[bucket, BUCKET - 1] != 0:
                bucket += np.uint64(1)
                row = _find(keys, _low(key), bucket)
            rows[n, unsettled[k] + 1] = row
        longer, value = np.int64(0), np.float32(0)
        for k in range(number):
            j = alive[k]
            row = rows[n, j + 1]
            value += values[row, 0]  # touches what will be needed
            alive[longer] = j
            longer += (row != 0) & (rows[n, j] != 0)  # a longer one is kept only if both its parts are
        number = longer
        hashes[_CHUNK] = met + np.uint32(value)  # or the compiler would leave out the touching


@njit(cache=True, nogil=True)
def _bucket(key, buckets):  # type: ignore[no-untyped-def]
    """The bucket in which a key belongs."""
    return (key >> _HALF) * np.uint64(buckets) >> _HALF


@njit(cache=True, nogil=True)
def _low(key):  # type: ignore[no-untyped-def]
    """What of a key stands in its bucket."""
    return max(np.uint32(key & _LOW), np.uint32(1))


@njit(cache=True, nogil=True)
def _find(keys, low, bucket):  # type: ignore[no-untyped-def]
    """The row of a key of the bucket, 0 if it is not there."""
    found = np.uint64(0)
    for i in range(1, BUCKET):
        found |= np.uint64(i) * np.uint64(keys[bucket, np.uint64(i)] == low)
    return np.int64(found + np.uint64(keys[bucket, 0]) * np.uint64(found != 0))


@njit(cache=True, nogil=True)
def _multiply(values, rows, size, unknown, product, total):  # type: ignore[no-untyped-def]
    """Multiplies `product` by the probabilities of a chunk's words; moves it to `total`, nats, when it is small."""
    for text in range(len(unknown)):
        u, share = 2 * text, 2 * text + 1
        likelihood, nats = product[text], total[text]
        for j in range(1, size + 1):
            p = unknown[text] + np.float64(values[rows[0, j], u])
            for n in range(1, len(rows)):
                p = p * np.float64(values[rows[n - 1, j - 1], share]) + np.float64(values[rows[n, j], u])
            likelihood *= p
            if likelihood < _SMALL:
                nats -= log(likelihood)
                likelihood = 1.0
        product[text], total[text] = likelihood, nats
