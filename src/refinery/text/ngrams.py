"""Repeated n-grams of a document's tokens, exactly and for every n from 2 to 16, in a little more than one pass.

An (n+1)-gram is the pair of the n-grams at its first and second token, and it can only repeat if both do. So level n
keeps nothing but the positions whose n-gram repeats, each n-gram has a number (a pair of numbers names the next
level's), and in ordinary text little is left beyond bigrams. Tokens are compared, never joined strings.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import mix
from refinery.text.signal_columns import DUPLICATE

LONGEST = 16


@njit(cache=True, nogil=True)
def _repeated_tokens(ids, counts, starts, numbers, tokens):  # type: ignore[no-untyped-def]
    """Level 1: positions of the tokens that occur more than once; returns how many."""
    m = np.int64(0)
    for i in range(tokens):
        token = ids[i]
        starts[m] = i
        numbers[m] = token
        m += counts[token] > 1
    return m


@njit(cache=True, nogil=True)
def _sum_lengths(sums, lengths, ids, tokens):  # type: ignore[no-untyped-def]
    """sums[i] = code points of the tokens before token i."""
    total = np.int64(0)
    for i in range(tokens):
        sums[i] = total
        total += lengths[ids[i]]
    sums[tokens] = total


@njit(cache=True, nogil=True)
def _number(grams, m):  # type: ignore[no-untyped-def]
    """From level n's m positions to the candidates of level n+1, numbered by first appearance and counted.

    Candidate k starts at token at[k] and has the number candidate[k]. Returns candidates and numbers.
    """
    size = np.int64(16)
    while size < 2 * m:
        size *= 2
    starts, old, new, counts, firsts, keys, slots, _ = grams
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
def _keep_repeated(starts, old, new, counts, candidates):  # type: ignore[no-untyped-def]
    """Keeps the candidates whose n-gram occurs more than once; returns how many."""
    m = np.int64(0)
    for k in range(candidates):
        number = new[k]
        starts[m] = starts[k]
        old[m] = number
        m += counts[number] > 1
    return m


@njit(cache=True, nogil=True)
def _top(counts, firsts, sums, n, tokens, numbers):  # type: ignore[no-untyped-def]
    """Length of the most frequent n-gram, joined by spaces, times its count; the first one among equals."""
    if tokens < n:
        return np.int64(0)
    best, first = np.int64(1), np.int64(0)
    for number in range(numbers):
        if counts[number] > best:
            best, first = np.int64(counts[number]), np.int64(firsts[number])
    return (sums[first + n] - sums[first] + n - 1) * best


@njit(cache=True, nogil=True)
def _union(starts, sums, n, m):  # type: ignore[no-untyped-def]
    """Code points of the tokens inside any repeated n-gram."""
    covered = end = np.int64(0)
    for k in range(m):
        at = np.int64(starts[k])
        covered += sums[at + n] - sums[max(at, end)]
        end = at + n
    return covered


@njit(cache=True, nogil=True)
def _greedy(starts, numbers, counts, sums, n, m):  # type: ignore[no-untyped-def]
    """Code points of the n-grams met again by a scan that steps over each one it has met."""
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
def ngrams(tokens, number, grams, top, union, greedy):  # type: ignore[no-untyped-def]
    """Fills top (int64, by TOP), union and greedy (int64, by DUPLICATE) with code points.

    tokens: the walk's, of which there are `number`; grams: scratch. grams.sums[number] are the tokens' code points.
    """
    top[:] = 0
    union[:] = 0
    greedy[:] = 0
    starts, old, new, counts, firsts, _, _, sums = grams
    _sum_lengths(sums, tokens.points, tokens.ids, number)
    m = _repeated_tokens(tokens.ids, tokens.counts, starts, old, number)
    for n in range(2, LONGEST + 1):
        candidates, numbers = _number(grams, m)
        if n <= 4:
            top[n - 2] = _top(counts, firsts, sums, n, number, numbers)
        m = _keep_repeated(starts, old, new, counts, candidates)
        for i in range(len(DUPLICATE)):
            if DUPLICATE[i] == n:
                union[i] = _union(starts, sums, n, m)
                greedy[i] = _greedy(starts, old, counts, sums, n, m)
