"""fastText's text side as kernels: bytes to features, features to summed rows.

Features are fastText's own, from src/dictionary.cc of facebookresearch/fastText: tokens between its seven whitespace
bytes, FNV-1a over signed bytes, `</s>` at the end, character n-grams of `<word>`, word n-grams by a rolling hash. A
newline counts as a space, so a document scores as `fasttext.predict(text.replace("\\n", " "))`. A token `</s>` ends
the document and a token that starts with `__label__` is no feature, as in fastText.

What differs is only speed: a vocabulary word's n-gram rows are summed once (`word_rows`), a bitmap with running
counts replaces the pruned index, and the n-grams of many words are hashed at once in vector code. The functions
that the kernels call have one loop after another and one exit: then numba counts no references to their arrays.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.fasttext_machine import add_sixteen, load_eight

FNV = np.uint32(2166136261)
_PRIME = np.uint32(16777619)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_MIX_HEAD = np.uint64(0x9E3779B97F4A7C15)  # odd, bits well spread: 2**64 over the golden ratio
_MIX_TAIL = np.uint64(0xC2B2AE3D27D4EB4F)  # a prime of xxHash
_ABSENT = np.uint32(256)  # no byte here: a signed byte is below 128 or above 2**32 - 129
PIECE = 192  # bytes of a word whose n-grams are made at once: bounds the buffers for any input
STRIP = 1024  # characters in a strip; one more piece fits behind STRIP_FULL
STRIP_FULL = 512


class Tables(NamedTuple):
    """A model as arrays; all read-only, so that each kernel is compiled once.

    slots: uint64 hash table of fours, as many as a power of two: first and last eight bytes of an entry,
    (size << 32 | id + 1), 0 if empty, and fastText's hash, so that one look recognises most words. Ids from the
    number of words on are labels.
    entries/entry_offsets: the bytes of all words, then labels.
    kept/ranks: bitmap over the buckets of a pruned model and the set bits before each word of it (else empty).
    word_rows, gram_rows: float32 (rows, width), width 1 or a multiple of 16; word_counts: int32, features that
    `word_rows` already sums up. shape: int64 [bucket, minn, maxn, word_ngrams, id of </s> or -1, and a reciprocal and
    a shift to divide by bucket].
    """

    slots: NDArray[np.uint64]
    entries: NDArray[np.uint8]
    entry_offsets: NDArray[np.int64]
    kept: NDArray[np.uint64]
    ranks: NDArray[np.int32]
    word_rows: NDArray[np.float32]
    word_counts: NDArray[np.int32]
    gram_rows: NDArray[np.float32]
    shape: NDArray[np.int64]


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def _signed(byte):  # type: ignore[no-untyped-def]
    """A byte as a signed one, in 32 bits."""
    return np.uint32((np.uint32(byte) ^ np.uint32(0x80)) - np.uint32(0x80))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def step(h, byte):  # type: ignore[no-untyped-def]
    """One FNV-1a step over a signed byte; numba would widen the product to 64 bits."""
    return np.uint32(np.uint32(h ^ _signed(byte)) * _PRIME)


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def both_ends(data, start, size):  # type: ignore[no-untyped-def]
    """First and last eight bytes of a word as numbers, and a mixture of them; a shorter word is both."""
    head = tail = np.uint64(0)
    if start + 8 <= len(data):
        head, tail = load_eight(data, start), load_eight(data, start + max(size - 8, np.int64(0)))
    else:
        for i in range(min(size, 8)):
            head |= np.uint64(data[start + i]) << np.uint64(8 * i)
            tail |= np.uint64(data[start + max(size - 8, np.int64(0)) + i]) << np.uint64(8 * i)
    mask = _ALL >> np.uint64(64 - 8 * max(min(size, np.int64(8)), np.int64(1)))
    head, tail = head & mask, tail & mask
    mixed = head * _MIX_HEAD + tail * _MIX_TAIL
    return head, tail, np.uint32(((mixed ^ (mixed >> np.uint64(32))) * _MIX_HEAD) >> np.uint64(32))


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def find(data, start, size, head, tail, mixed, slots, entries, offsets):  # type: ignore[no-untyped-def]
    """Where in `slots` the entry is that equals data[start:start + size], or -1; see `both_ends`."""
    mask = np.int64(len(slots) // 4 - 1)
    slot = np.int64(mixed) & mask
    found = np.int64(-1)
    searching = slots[4 * slot + 2] != 0
    while searching:
        tag = slots[4 * slot + 2]
        if slots[4 * slot] == head and slots[4 * slot + 1] == tail and np.int64(tag >> np.uint64(32)) == size:
            first = offsets[np.int64(tag & np.uint64(0xFFFFFFFF)) - 1]
            i = np.int64(8)
            while i < size - 8 and entries[first + i] == data[start + i]:
                i += 1
            if i >= size - 8:
                found = 4 * slot
        slot = (slot + 1) & mask
        searching = found < 0 and slots[4 * slot + 2] != 0
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def fill_slots(slots, hashes, entries, offsets):  # type: ignore[no-untyped-def]
    """Fills an empty hash table with ids 0, 1, ... of entries, given fastText's hashes of them."""
    mask = np.int64(len(slots) // 4 - 1)
    for i in range(len(hashes)):
        size = offsets[i + 1] - offsets[i]
        head, tail, mixed = both_ends(entries, offsets[i], size)
        slot = np.int64(mixed) & mask
        while slots[4 * slot + 2] != 0:
            slot = (slot + 1) & mask
        slots[4 * slot], slots[4 * slot + 1] = head, tail
        slots[4 * slot + 2] = (np.uint64(size) << np.uint64(32)) | np.uint64(i + 1)
        slots[4 * slot + 3] = np.uint64(hashes[i])


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def fnv(data, start, size):  # type: ignore[no-untyped-def]
    """fastText's hash of data[start:start + size]."""
    h = FNV
    for p in range(start, start + size):
        h = step(h, data[p])
    return h


@njit(cache=True, nogil=True, error_model="numpy")
def hash_entries(entries, offsets, hashes):  # type: ignore[no-untyped-def]
    """fastText's hash of each entry."""
    for i in range(len(offsets) - 1):
        hashes[i] = fnv(entries, offsets[i], offsets[i + 1] - offsets[i])


@njit(cache=True, nogil=True, error_model="numpy")
def _rank(bits, below, bucket):  # type: ignore[no-untyped-def]
    """Row of a kept bucket: the kept buckets before it."""
    word = bits & ((np.uint64(1) << np.uint64(bucket & 63)) - np.uint64(1))
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64(below) + np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


class Room(NamedTuple):
    """Working arrays, reused. A strip holds characters of several words, made ready to hash all at once.

    strip: uint32 (4 * STRIP), byte k of character a at k * STRIP + a, sign-extended, _ABSENT beyond its last;
    left: int32 (STRIP), characters from here to the end of `<word>`, 0 where no n-gram is to start; hashes: uint32
    (STRIP); buckets: uint32 (33 * STRIP), of the n-gram of length n from a at n * STRIP + a; grams: int32, rows;
    pieces: int64 (STRIP, 3), the word that a piece is of, where it starts in the strip, whether it starts the word.
    """

    strip: NDArray[np.uint32]
    left: NDArray[np.int32]
    hashes: NDArray[np.uint32]
    buckets: NDArray[np.uint32]
    grams: NDArray[np.int32]
    pieces: NDArray[np.int64]


def make_room() -> Room:
    """Fresh working arrays."""
    return Room(
        np.full(4 * STRIP, _ABSENT, np.uint32), np.zeros(STRIP, np.int32), np.zeros(STRIP, np.uint32),
        np.empty(33 * STRIP, np.uint32), np.empty((PIECE + 2) * 32, np.int32),
        np.zeros((STRIP, 3), np.int64),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def spread(data, start, end, low, high, maxn, strip, left, chars):  # type: ignore[no-untyped-def]
    """Appends the characters of `<word>` from byte `low` on to a strip, and maxn beyond `high` to end n-grams with.

    `low` may be start - 1, the "<"; high - low <= PIECE + 1. n-grams start at those before `high`. Returns the
    strip's new length. The rows of `strip` but the first hold _ABSENT from `chars` on, see `clear`.
    """
    first, stop = chars, min(end, high + 4 * maxn)
    heads, row = chars, 4 * STRIP
    for p in range(low, stop + (stop == end)):
        byte = np.uint32(60)  # "<"
        if p >= start:
            byte = np.uint32(data[p]) if p < stop else np.uint32(62)  # ">"
        starts = (byte & np.uint32(0xC0)) != 0x80
        row = 0 if starts else row + STRIP
        chars += starts
        heads += starts & (p < high)
        if row < 4 * STRIP:
            strip[row + chars - 1] = _signed(byte)
    for a in range(first, chars):
        left[a] = chars - a if a < heads else 0
    return chars


@njit(cache=True, nogil=True, error_model="numpy")
def clear(strip, chars):  # type: ignore[no-untyped-def]
    """Empties a strip of `chars` characters."""
    for row in range(STRIP, 4 * STRIP, STRIP):
        for a in range(chars):
            strip[row + a] = _ABSENT


@njit(cache=True, nogil=True, error_model="numpy")
def hash_strip(strip, chars, shape, hashes, buckets):  # type: ignore[no-untyped-def]
    """Hashes the n-grams of every length from every character: simple loops, which become vector code."""
    bucket, inverse, shift = np.uint32(shape[0]), np.uint32(shape[5]), np.uint64(shape[6])
    widest, zero = 1, np.int64(0)
    for k in range(1, 4):
        present = 0
        for a in range(chars):
            present += strip[a + k * STRIP] != _ABSENT
        if present > 0:
            widest = k + 1
    for a in range(chars):
        hashes[a] = FNV
    for length in range(1, shape[2] + 1):
        ahead = length - 1
        for a in range(chars):
            hashes[a] = np.uint32((hashes[a] ^ strip[a + ahead]) * _PRIME)
        for k in range(1, widest):
            ahead = length - 1 + k * STRIP
            for a in range(chars):
                byte = strip[a + ahead]
                h = np.uint32((hashes[a] ^ byte) * _PRIME)
                hashes[a] = hashes[a] if byte == _ABSENT else h
        # h % bucket without a division: the quotient from a 32-bit reciprocal is one too small at most.
        base = length * STRIP
        for a in range(chars if length >= shape[1] else zero):
            h = hashes[a]
            quotient = np.uint32((np.uint64(h) * np.uint64(inverse)) >> shift)
            b = np.uint32(h - np.uint32(quotient * bucket))
            buckets[a + base] = min(b, np.uint32(b - bucket))


@njit(cache=True, nogil=True, error_model="numpy")
def gather(left, first, last, whole, shape, buckets, kept, ranks, grams):  # type: ignore[no-untyped-def]
    """Rows of the n-grams of strip characters first to last - 1, one word's; returns their number.

    whole: 1 if `first` is the "<", else 0. "<" and ">" alone are none, nor is one without a row in a pruned model.
    """
    maxn, n = shape[2], np.int64(0)
    pruned = len(kept) > 0
    for a in range(first, last):
        for length in range(max(shape[1], 2), min(maxn, np.int64(left[a])) + 1):
            b = np.int64(buckets[length * STRIP + a])
            grams[n] = b
            bit = (kept[b >> 6] >> np.uint64(b & 63)) & np.uint64(1) if pruned else np.uint64(1)
            n += np.int64(bit)  # no branch: it would be guessed wrong
    for a in range(first + whole, last if shape[1] <= 1 and maxn >= 1 else first):
        b = np.int64(buckets[STRIP + a])
        grams[n] = b
        bit = (kept[b >> 6] >> np.uint64(b & 63)) & np.uint64(1) if pruned else np.uint64(1)
        n += np.int64(bit) & np.int64(left[a] > 1)
    for i in range(n if pruned else np.int64(0)):
        b = np.int64(grams[i])
        grams[i] = _rank(kept[b >> 6], ranks[b >> 6], b)
    return n


@njit(cache=True, nogil=True, error_model="numpy")
def keep(kept, ranks, grams, n):  # type: ignore[no-untyped-def]
    """Turns buckets grams[:n] into rows; of a pruned model drops those without one. Returns the new n."""
    m = np.int64(0)
    for i in range(n if len(kept) > 0 else np.int64(0)):
        b = np.int64(grams[i])
        if (kept[b >> 6] >> np.uint64(b & 63)) & np.uint64(1):
            grams[m] = _rank(kept[b >> 6], ranks[b >> 6], b)
            m += 1
    return m if len(kept) > 0 else n


@njit(cache=True, nogil=True, error_model="numpy")
def add_rows(rows, ids, n, sums, w):  # type: ignore[no-untyped-def]
    """Adds rows[ids[:n]] to sums[w], several at a time so that their loads overlap. No id is negative."""
    width = sums.shape[1]
    scalars = n if width == 1 else np.int64(0)
    fours = scalars & ~np.int64(3)
    a = b = c = d = np.float32(0.0)
    for i in range(0, fours, 4):
        a += rows[np.uint32(ids[i]), 0]
        b += rows[np.uint32(ids[i + 1]), 0]
        c += rows[np.uint32(ids[i + 2]), 0]
        d += rows[np.uint32(ids[i + 3]), 0]
    for i in range(fours, scalars):
        a += rows[np.uint32(ids[i]), 0]
    sums[w, 0] += np.float32((a + b) + (c + d))
    for column in range(0, width if width > 1 and n > 0 else 0, 16):
        add_sixteen(rows, ids, n, column, sums, w)


@njit(cache=True, nogil=True, error_model="numpy")
def sum_grams(data, keys, first, last, shape, kept, ranks, gram_rows, room, rows, counts):  # type: ignore[no-untyped-def]
    """Fills rows and counts first to last - 1 with the sums and numbers of the n-grams of `<word>`.

    keys: int64 (words, 3), of which the second is a word's start in `data` and the third its bytes. As many words at
    once as a strip holds, a long one in pieces. gram_rows, rows: float32; counts: int32.
    """
    strip, left, hashes, buckets, grams, pieces = room
    word, low = first, keys[first, 1] - 1 if first < last else 0
    while word < last:
        chars = number = np.int64(0)
        while word < last and chars < STRIP_FULL:
            start = keys[word, 1]
            stop = start + keys[word, 2]
            high = min(low + PIECE, stop)
            pieces[number, 0], pieces[number, 1], pieces[number, 2] = word, chars, low < start
            chars = spread(data, start, stop, low, high, shape[2], strip, left, chars)
            number += 1
            low = high
            if low >= stop:
                word += 1
                low = keys[word, 1] - 1 if word < last else low
        pieces[number, 1] = chars
        hash_strip(strip, chars, shape, hashes, buckets)
        clear(strip, chars)
        for piece in range(number):
            row, begins = pieces[piece, 0], pieces[piece, 2]
            n = gather(
                left, pieces[piece, 1], pieces[piece + 1, 1], begins, shape, buckets, kept, ranks, grams
            )
            if begins:
                counts[row] = 0
                for d in range(rows.shape[1]):
                    rows[row, d] = 0.0
            add_rows(gram_rows, grams, n, rows, row)
            counts[row] += n


@njit(cache=True, nogil=True, error_model="numpy")
def project(rows, directions, out):  # type: ignore[no-untyped-def]
    """out = rows @ directions in double precision; a BLAS would round differently from machine to machine."""
    width = directions.shape[1]
    if width == 1:
        for i in range(len(rows)):
            x = 0.0
            for d in range(rows.shape[1]):
                x += np.float64(rows[i, d]) * directions[d, 0]
            out[i, 0] = np.float32(x)
        return
    total = np.empty(width, np.float64)
    for i in range(len(rows)):
        total[:] = 0.0
        for d in range(rows.shape[1]):
            x = np.float64(rows[i, d])
            for k in range(width):
                total[k] += x * directions[d, k]
        for k in range(width):
            out[i, k] = np.float32(total[k])
