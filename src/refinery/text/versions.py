"""Whether two texts are versions of one: a passage of one says something else than its counterpart in the other.

What tells an amended text from a copy with slips of the pen or of a scanner is where the differences lie: slips are
strewn over all of it and leave what is around them as it was, an amendment is a passage. Texts are compared as tokens
(words, and characters of scripts without spaces, see text.shingles):

1. Runs of RUN tokens that each text has once, and both have, in the same order in both (the longest such chain, as
   in patience diff), are what the texts are aligned by.
2. Between two neighbours in the chain, those tokens count that no run covers which the other text has anywhere: what
   only moved is no change.
3. They are versions if there PASSAGE tokens or more of one have no counterpart in the other (the longer side less the
   longest common subsequence), and SIDE runs of the chain lie before them and after them: what differs at the ends (a
   header, a footer, an end that is cut off) is no amendment.

PASSAGE is above what 2 % of wrong letters leave between two runs, and below a sentence.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import K1, mix

RUN = 4
SIDE = 8
PASSAGE = 8


@njit(cache=True, nogil=True)
def are_versions(tokens, starts, stops, one, other):  # type: ignore[no-untyped-def]
    """bool (pairs,): whether texts one[i] and other[i] are versions of one.

    tokens: uint64, hashes of the tokens of text j at tokens[starts[j]:stops[j]], in order; starts, stops: int64
    (texts,); one, other: int64 (pairs,). Linear but for a sort of each text's runs.
    """
    found = np.zeros(one.shape[0], np.bool_)
    for pair in range(one.shape[0]):
        i, j = one[pair], other[pair]
        found[pair] = _differ(tokens[starts[i] : stops[i]], tokens[starts[j] : stops[j]])
    return found


@njit(cache=True, nogil=True)
def _differ(a, b):  # type: ignore[no-untyped-def]
    match, a_covered, b_covered = _match(a, b)
    at, to = _chain(match)
    for link in range(SIDE, at.shape[0] - SIDE + 1):
        if at[link] - at[link - 1] == 1 and to[link] - to[link - 1] == 1:
            continue
        ours = _uncovered(a, a_covered, at[link - 1], at[link])
        theirs = _uncovered(b, b_covered, to[link - 1], to[link])
        if _without_counterpart(ours, theirs):
            return True
    return False


@njit(cache=True, nogil=True)
def _runs(tokens):  # type: ignore[no-untyped-def]
    """A hash of the RUN tokens from each on."""
    found = np.zeros(max(tokens.shape[0] - RUN + 1, 0), np.uint64)
    for start in range(found.shape[0]):
        for offset in range(RUN):
            found[start] = (found[start] ^ tokens[start + offset]) * K1
            found[start] ^= found[start] >> np.uint64(32)
        found[start] = mix(found[start])
    return found


@njit(cache=True, nogil=True)
def _match(a, b):  # type: ignore[no-untyped-def]
    """Where in b the run is that begins at each token of a, -1 unless both have it once; what of each is covered."""
    ours, theirs = _runs(a), _runs(b)
    one, other = np.argsort(ours), np.argsort(theirs)
    match = np.full(ours.shape[0], -1, np.int64)
    a_covered, b_covered = np.zeros(a.shape[0], np.bool_), np.zeros(b.shape[0], np.bool_)
    i = j = 0
    while i < one.shape[0] and j < other.shape[0]:
        x, y = ours[one[i]], theirs[other[j]]
        if x < y:
            i += 1
        elif y < x:
            j += 1
        else:
            i_end, j_end = i, j
            while i_end < one.shape[0] and ours[one[i_end]] == x:
                a_covered[one[i_end] : one[i_end] + RUN] = True
                i_end += 1
            while j_end < other.shape[0] and theirs[other[j_end]] == x:
                b_covered[other[j_end] : other[j_end] + RUN] = True
                j_end += 1
            if i_end - i == 1 and j_end - j == 1:
                match[one[i]] = other[j]
            i, j = i_end, j_end
    return match, a_covered, b_covered


@njit(cache=True, nogil=True)
def _chain(match):  # type: ignore[no-untyped-def]
    """The longest ascending subsequence of the matches: positions in a, and in b."""
    size = match.shape[0]
    last = np.empty(size, np.int64)  # of a chain of each length, the position at which the lowest one ends
    before = np.full(size, -1, np.int64)
    length = 0
    for position in range(size):
        if match[position] < 0:
            continue
        low, high = 0, length
        while low < high:
            middle = (low + high) // 2
            if match[last[middle]] < match[position]:
                low = middle + 1
            else:
                high = middle
        if low:
            before[position] = last[low - 1]
        last[low] = position
        length = max(length, low + 1)
    at, to = np.empty(length, np.int64), np.empty(length, np.int64)
    position = last[length - 1] if length else -1
    for index in range(length - 1, -1, -1):
        at[index], to[index] = position, match[position]
        position = before[position]
    return at, to


@njit(cache=True, nogil=True)
def _uncovered(tokens, covered, start, stop):  # type: ignore[no-untyped-def]
    """The tokens of start:stop that no shared run covers."""
    found = np.empty(max(stop - start, 0), np.uint64)
    count = 0
    for index in range(start, stop):
        if not covered[index]:
            found[count] = tokens[index]
            count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def _without_counterpart(ours, theirs):  # type: ignore[no-untyped-def]
    """Whether PASSAGE tokens or more of the longer are in no common subsequence with the other.

    A common subsequence that leaves out fewer stays within PASSAGE of the diagonal, so no other is looked at.
    """
    size = max(ours.shape[0], theirs.shape[0])
    if size < PASSAGE:
        return False
    if size - min(ours.shape[0], theirs.shape[0]) >= PASSAGE:
        return True
    row = np.zeros(theirs.shape[0] + 1, np.int64)
    for i in range(ours.shape[0]):
        first = max(i - PASSAGE, 0)
        diagonal = row[first]
        for j in range(first, min(i + PASSAGE + 1, theirs.shape[0])):
            above = row[j + 1]
            row[j + 1] = diagonal + 1 if ours[i] == theirs[j] else max(above, row[j])
            diagonal = above
    return size - row[theirs.shape[0]] >= PASSAGE
