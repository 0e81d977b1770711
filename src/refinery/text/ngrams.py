"""Repeated n-grams of a document's tokens, exactly and for every n from 2 to 10, in a little more than one pass.

An (n+1)-gram is the pair of the n-grams at its first and second token, and it can only repeat if both do. So level n
keeps nothing but the positions whose n-gram repeats, each n-gram has a number (a pair of numbers names the next
level's), and in ordinary text little is left beyond bigrams. Tokens are compared, never joined strings.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import mix

TOP = (2, 3, 4)  # sizes whose most frequent n-gram is measured
DUPLICATE = (5, 6, 7, 8, 9, 10)  # sizes whose repeated n-grams are measured
LONGEST = 10


@njit(cache=True, nogil=True)
def _repeated_tokens(s, tokens):  # type: ignore[no-untyped-def]
    """Level 1: positions of the tokens that occur more than once; returns how many."""
    ids, counts, starts, numbers = s.ids, s.token_count, s.gram_at, s.gram_id
    m = np.int64(0)
    for i in range(tokens):
        token = ids[i]
        starts[m] = i
        numbers[m] = token
        m += counts[token] > 1
    return m


@njit(cache=True, nogil=True)
def _sum_lengths(s, tokens):  # type: ignore[no-untyped-def]
    """sums[i] = code points of the tokens before token i."""
    sums, lengths, ids = s.sums, s.token_chars, s.ids
    total = np.int64(0)
    for i in range(tokens):
        sums[i] = total
        total += lengths[ids[i]]
    sums[tokens] = total


@njit(cache=True, nogil=True)
def _number(s, m):  # type: ignore[no-untyped-def]
    """From level n's m positions to the candidates of level n+1, numbered by first appearance and counted.

    Candidate k starts at token gram_at[k] and has the number gram_next[k]. Returns candidates and numbers.
    """
    size = np.int64(16)
    while size < 2 * m:
        size *= 2
    slots, keys, counts, firsts = s.gram_slots, s.gram_key, s.gram_count, s.gram_first
    starts, old, new = s.gram_at, s.gram_id, s.gram_next
    for i in range(size):
        slots[i] = 0
    mask = np.uint64(size - 1)
    candidates = numbers = np.int64(0)
    for k in range(m - 1):
        start = starts[k]
        if starts[k + 1] != start + 1:
            continue
        key = np.uint64(old[k]) << np.uint64(32) | np.uint64(old[k + 1])
        slot = mix(key) & mask
        while True:
            entry = np.int64(slots[slot])
            if entry == 0:
                slots[slot] = numbers + 1
                keys[numbers] = key
                counts[numbers] = 0
                firsts[numbers] = start
                entry = numbers
                numbers += 1
                break
            entry -= 1
            if keys[entry] == key:
                break
            slot = (slot + np.uint64(1)) & mask
        counts[entry] += 1
        starts[candidates] = start
        new[candidates] = entry
        candidates += 1
    return candidates, numbers


@njit(cache=True, nogil=True)
def _keep_repeated(s, candidates):  # type: ignore[no-untyped-def]
    """Keeps the candidates whose n-gram occurs more than once; returns how many."""
    starts, old, new, counts = s.gram_at, s.gram_id, s.gram_next, s.gram_count
    m = np.int64(0)
    for k in range(candidates):
        number = new[k]
        starts[m] = starts[k]
        old[m] = number
        m += counts[number] > 1
    return m


@njit(cache=True, nogil=True)
def _top(s, n, tokens, numbers):  # type: ignore[no-untyped-def]
    """Length of the most frequent n-gram, joined by spaces, times its count; the first one among equals."""
    if tokens < n:
        return np.int64(0)
    counts = s.gram_count
    best, first = np.int64(1), np.int64(0)
    for number in range(numbers):
        if counts[number] > best:
            best, first = np.int64(counts[number]), np.int64(s.gram_first[number])
    return (s.sums[first + n] - s.sums[first] + n - 1) * best


@njit(cache=True, nogil=True)
def _union(s, n, m):  # type: ignore[no-untyped-def]
    """Code points of the tokens inside any repeated n-gram."""
    starts, sums = s.gram_at, s.sums
    covered = end = np.int64(0)
    for k in range(m):
        at = np.int64(starts[k])
        covered += sums[at + n] - sums[max(at, end)]
        end = at + n
    return covered


@njit(cache=True, nogil=True)
def _greedy(s, n, m):  # type: ignore[no-untyped-def]
    """Code points of the n-grams met again by a scan that steps over each one it has met."""
    starts, numbers, counts, sums = s.gram_at, s.gram_id, s.gram_count, s.sums
    found = following = np.int64(0)
    for k in range(m):
        at = np.int64(starts[k])
        if at < following:
            continue
        number = numbers[k]
        if counts[number] < 0:
            found += sums[at + n] - sums[at]
            following = at + n
        else:
            counts[number] = -1
    return found


@njit(cache=True, nogil=True)
def ngrams(s, tokens, top, union, greedy):  # type: ignore[no-untyped-def]
    """Fills top (int64, by TOP), union and greedy (int64, by DUPLICATE) with code points, from the walk's scratch.

    Token characters in all: s.sums[tokens].
    """
    top[:] = 0
    union[:] = 0
    greedy[:] = 0
    _sum_lengths(s, tokens)
    m = _repeated_tokens(s, tokens)
    for n in range(2, LONGEST + 1):
        candidates, numbers = _number(s, m)
        if n <= 4:
            top[n - 2] = _top(s, n, tokens, numbers)
        m = _keep_repeated(s, candidates)
        if n >= 5:
            union[n - 5] = _union(s, n, m)
            greedy[n - 5] = _greedy(s, n, m)
