"""Shingles of a key text: the elements of the sets that near-duplicate search compares.

A token is a word, or one character of a script written without spaces with its marks (see refinery.text.fold).
A word weighs `chars`, a character weighs `words`; from every token on, the shortest run of tokens that weighs
`words * chars` or more is a shingle, if there is one. So spaced text gives shingles of `words` words, unspaced text
shingles of `chars` characters, and mixed text something between (with 5 and 8: three words and four characters)
by the same rule. A text that weighs less than one shingle has none. By `letters`, each letter or digit of a word is a
token as well and weighs what a character does, so that every text has shingles of `chars` of them.

A shingle's hash is 64 bits: a polynomial over its tokens' hashes modulo 2^64, rolled from one shingle to the next,
then mixed. Two different shingles share it with probability 2^-64; MinHash uses its low 32 bits.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text import fold
from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, K2, eight, mix
from refinery.text.tables import decode, lookup

RING = 128  # a power of two above the tokens that one shingle can have: max(words, chars) <= 100
BLOCK = 1024  # shingles made at a time, so that a long document needs no memory of its own

_BASE = np.uint64(0xD6E8FEB86659FD93)  # odd; from Pelle Evensen's rrmxmx mixer
_ONES = np.uint64(0x0101010101010101)
_HIGHS = np.uint64(0x8080808080808080)
_SPACES = np.uint64(0x2020202020202020)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)

# of a state: next byte; tokens read, dropped; weight of those between
POSITION, HEAD, TAIL, WEIGHT = range(4)


@cache
def classes(*, letters: bool) -> tuple[NDArray[np.uint16], NDArray[np.uint32]]:
    """The two-stage table of fold.Tables by which tokens are told; by letters, letters and digits are characters."""
    tables = fold.tables(simplified=False)
    stage2 = tables.stage2.copy()
    if letters:
        stage2[stage2 & fold.CLASS == fold.WORD] += fold.CHAR - fold.WORD
    stage2.flags.writeable = False
    return tables.stage1, stage2


def shingles_of_keys(
    keys: TextBatch, words: int, chars: int, *, letters: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The shingles of key texts in order, with repeats: key text i has `hashes[bounds[i]:bounds[i + 1]]`.

    hashes: uint64; bounds: int64, shape (documents + 1,).
    """
    # a word has a byte and a space, a character 3 bytes, a letter one
    hashes = np.empty(keys.nbytes // (1 if letters else 2) + len(keys) + 1, np.uint64)
    bounds = np.zeros(len(keys) + 1, np.int64)
    write_shingles(keys.data, keys.offsets, *classes(letters=letters), words, chars, letters, hashes, bounds)
    return hashes, bounds


def shingle_sets(batch: TextBatch, words: int, chars: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every document's shingles as a sorted set, see `sets_of_keys`; `batch` holds texts, not key texts."""
    return sets_of_keys(fold.key_texts(batch), words, chars)


def sets_of_keys(
    keys: TextBatch, words: int, chars: int, *, letters: bool = False
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Every key text's shingles as a sorted set: document i has `hashes[bounds[i]:bounds[i + 1]]`.

    hashes: uint64; bounds: int64, shape (documents + 1,).
    """
    hashes, bounds = shingles_of_keys(keys, words, chars, letters=letters)
    for start, stop in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        hashes[start:stop].sort()  # numpy sorts with vector instructions: most of the time is spent inside
    drop_repeats(hashes, bounds)
    return hashes[: bounds[-1]], bounds


@njit(cache=True, nogil=True)
def write_shingles(data, offsets, stage1, stage2, words, chars, letters, hashes, bounds):  # type: ignore[no-untyped-def]
    """Writes the shingles of key text i to `hashes[bounds[i]:bounds[i + 1]]`, in order, repeats included."""
    state, rolling, ring, heavy, powers = new_state()
    block = np.empty(BLOCK + RING, np.uint64)
    total = 0
    for document in range(offsets.shape[0] - 1):
        start_document(state, rolling, offsets[document])
        count = BLOCK
        while count >= BLOCK:
            count = next_shingles(
                data,
                offsets[document + 1],
                stage1,
                stage2,
                words,
                chars,
                letters,
                state,
                rolling,
                ring,
                heavy,
                powers,
                block,
            )
            for index in range(count):
                hashes[total + index] = block[index]
            total += count
        bounds[document + 1] = total


@njit(cache=True, nogil=True)
def drop_repeats(hashes, bounds):  # type: ignore[no-untyped-def]
    """Keeps one of each value of every sorted run, in place; `bounds` moves along."""
    total = 0
    start = bounds[0]
    for document in range(bounds.shape[0] - 1):
        stop = bounds[document + 1]
        for index in range(start, stop):
            if index == start or hashes[index] != hashes[index - 1]:
                # total <= index, and hashes[index - 1] is read before it can be overwritten by a later value
                hashes[total] = hashes[index]
                total += 1
        start = stop
        bounds[document + 1] = total


@njit(cache=True, nogil=True)
def new_state():  # type: ignore[no-untyped-def]
    """Working memory of `next_shingles`: state, rolling hash, ring of token hashes, which are words, powers."""
    powers = np.ones(RING, np.uint64)
    for index in range(1, RING):
        powers[index] = powers[index - 1] * _BASE
    return (
        np.zeros(4, np.int64),
        np.zeros(1, np.uint64),
        np.zeros(RING, np.uint64),
        np.zeros(RING, np.bool_),
        powers,
    )


@njit(cache=True, nogil=True)
def start_document(state, rolling, position):  # type: ignore[no-untyped-def]
    """Makes the working memory ready for the key text that starts at `position`."""
    state[:] = 0
    state[POSITION] = position
    rolling[0] = 0


@njit(cache=True, nogil=True)
def next_shingles(  # type: ignore[no-untyped-def]
    data, end, stage1, stage2, words, chars, letters, state, rolling, ring, heavy, powers, block
):
    """Writes the next shingles of a key text to `block`; gives their number, below BLOCK when the text has ended.

    `block` needs room for BLOCK + RING, `data` for fold.PADDING bytes after the last key text. A token is hashed
    while its end is looked for, chunk bytes of ASCII at a time, any other code point as one. It stands in one body
    because numba counts references to arrays around a call of a function that has a loop.
    """
    position, head, tail, weight = state[POSITION], state[HEAD], state[TAIL], state[WEIGHT]
    polynomial = rolling[0]
    needed = words * chars
    count = 0
    while position < end and count < BLOCK:
        token, begun, is_char = K2, False, False
        while position < end:
            chunk = eight(data, position)
            # Bytes that are a space or above 127 get their high bit set; those above the lowest may be wrong.
            other = chunk ^ _SPACES
            stop = ((other - _ONES) & ~other | chunk) & _HIGHS
            run = np.int64(8)
            if stop != 0:
                lowest = stop & (~stop + np.uint64(1))
                run = np.int64((((lowest - np.uint64(1)) & _ONES) * _ONES) >> np.uint64(56)) - 1
            run = min(run, end - position)
            if run > 0:
                if is_char:
                    break
                begun = True
                if letters:
                    run, is_char = np.int64(1), True
                token = (token ^ chunk & _ALL >> np.uint64(64 - 8 * run)) * K1
                token ^= token >> np.uint64(32)
                position += run
                if run == 8:
                    continue
            if position >= end or data[position] == 32:
                break
            code, length = decode(data, position)
            kind = lookup(code, stage1, stage2) & fold.CLASS
            if (begun and kind == fold.CHAR) or (is_char and kind != fold.MARK):
                break
            begun = True
            is_char = is_char or kind == fold.CHAR
            token = (token ^ np.uint64(code) ^ _HIGHS) * K1
            token ^= token >> np.uint64(32)
            position += length
        if position < end and data[position] == 32:
            position += 1
        ring[head & (RING - 1)] = mix(token)
        heavy[head & (RING - 1)] = not is_char
        polynomial = polynomial * _BASE + ring[head & (RING - 1)]
        weight += words if is_char else chars
        head += 1
        while weight >= needed:
            block[count] = mix(polynomial)
            count += 1
            slot = tail & (RING - 1)
            polynomial -= ring[slot] * powers[head - tail - 1]
            weight -= chars if heavy[slot] else words
            tail += 1
    state[POSITION], state[HEAD], state[TAIL], state[WEIGHT] = position, head, tail, weight
    rolling[0] = polynomial
    return count
