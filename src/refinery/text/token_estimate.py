"""Kernel: code points and estimated LLM tokens of every document, in one walk over its bytes.

The estimate is the expected number of token starts: each code point adds how many tokens start in its bytes, on
average, after the three code points before it. These means are of real texts cut by the tokenizers of five families
(`tools/fit_tokens.py` makes the table and judges it on texts that it was not made of; docs/signals.md has the
errors). A context that was not seen often enough to matter falls back to a shorter one, down to the block of 128
code points. Digits count as one, and a text begins as if a line break came before.

A family's table is a hash table without chains, uint16 (SLOTS,): the upper byte is a fingerprint of the context,
the lower one, less 1, the mean in 1/64 of a token; 0 is no entry. A context is one 64-bit hash, whose upper bits are
the slot and the next eight the fingerprint.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.tables import decode

DATA = Path(__file__).with_name("tokens.npz")
SLOT_BITS = 16
SLOTS = 1 << SLOT_BITS
UNCOUNTED = 3  # code points before one that its cost depends on
ORDERS = 5  # a code point's block, itself, and it after one, two and three others
PARTS = 64  # of a token, that a cost is counted in
UNKNOWN = PARTS  # cost of a code point in a block that has none
LINE_BREAK = np.uint64(10)
_ZERO, _NINE = np.uint64(48), np.uint64(57)
_BLOCK_BITS, _BLOCKS = np.uint64(7), np.uint64(1 << 32)  # blocks are hashed apart from code points
_MULTIPLIER, _HALF = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)
_SLOT_SHIFT, _FINGERPRINT_SHIFT = np.uint64(64 - SLOT_BITS), np.uint64(56 - SLOT_BITS)
_BYTE, _EIGHT = np.uint64(255), np.uint64(8)
RUN_BITS = 15
RUNS = 1 << RUN_BITS  # of four code points whose costs are kept, in a cache of 0.75 MiB
NO_POINT = np.uint64((1 << 64) - 1)
_POINT_BITS, _RUN_SHIFT, _SPREAD = np.uint64(21), np.uint64(64 - RUN_BITS), np.uint64(0xD6E8FEB86659FD93)


@cache
def table(family: str) -> NDArray[np.uint16]:
    """The mean costs of a family's contexts, uint16 (SLOTS,)."""
    with np.load(DATA) as file:
        found: NDArray[np.uint16] = file[family]
    return found


@njit(cache=True, nogil=True)
def _mix(hashed, code):  # type: ignore[no-untyped-def]
    product = (hashed ^ code) * _MULTIPLIER
    return product ^ (product >> _HALF)


@njit(cache=True, nogil=True)
def _point(code):  # type: ignore[no-untyped-def]
    found = np.uint64(code)
    return _ZERO if _ZERO <= found <= _NINE else found


@njit(cache=True, nogil=True)
def _entry(table, hashed):  # type: ignore[no-untyped-def]
    """The cost of a context and 1, or 0 for one that has no entry."""
    entry = np.uint64(table[hashed >> _SLOT_SHIFT])
    return np.int64(entry & _BYTE) if entry >> _EIGHT == hashed >> _FINGERPRINT_SHIFT & _BYTE else np.int64(0)


@njit(cache=True, nogil=True)
def _hashes(code, first, second, third):  # type: ignore[no-untyped-def]
    """The contexts of a code point after three others, the nearest first: from its block to all four."""
    alone = _mix(np.uint64(0), code)
    two = _mix(alone, first)
    three = _mix(two, second)
    return _mix(_BLOCKS, code >> _BLOCK_BITS), alone, two, three, _mix(three, third)


@njit(cache=True, nogil=True)
def _cost(table, code, first, second, third):  # type: ignore[no-untyped-def]
    """Parts of a token that a code point adds: of its longest context that has an entry."""
    found = np.int64(0)
    for hashed in _hashes(code, first, second, third):
        entry = _entry(table, hashed)
        found = entry if entry else found  # all are looked up: a processor guesses no branch
    return found - 1 if found else np.int64(UNKNOWN)


@njit(cache=True, nogil=True)
def count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    table: NDArray[np.uint16],
    chars: NDArray[np.int64],
    tokens: NDArray[np.int64],
) -> None:
    """Fills `chars` (code points) and `tokens` (estimated, rounded half up), one a document.

    Costs of runs of four code points that came before are kept: English doubles its speed by it.
    """
    seen, costs = np.full((RUNS, 2), NO_POINT), np.zeros(RUNS, np.int64)
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        first = second = third = LINE_BREAK
        points = total = np.int64(0)
        while position < end:
            code, width = decode(data, position)
            position += width
            point = _point(code)
            near = point | first << _POINT_BITS | second << _POINT_BITS << _POINT_BITS
            run = (near ^ third * _SPREAD) * _MULTIPLIER >> _RUN_SHIFT
            if seen[run, 0] != near or seen[run, 1] != third:
                seen[run, 0], seen[run, 1] = near, third
                costs[run] = _cost(table, point, first, second, third)
            total += costs[run]
            first, second, third = point, first, second
            points += 1
        chars[document] = points
        tokens[document] = (total + PARTS // 2) // PARTS


@njit(cache=True, nogil=True)
def point_costs(data, start, stop, table, costs):  # type: ignore[no-untyped-def]
    """Fills `costs` (int64): the parts of a token that each code point of data[start:stop] adds."""
    position, number = start, 0
    first = second = third = LINE_BREAK
    while position < stop:
        code, width = decode(data, position)
        position += width
        point = _point(code)
        costs[number] = _cost(table, point, first, second, third)
        first, second, third = point, first, second
        number += 1


@njit(cache=True, nogil=True)
def contexts(data: NDArray[np.uint8], offsets: NDArray[np.int64], found: NDArray[np.uint32]) -> None:
    """Fills the slot and fingerprint (slot << 8 | fingerprint) of every code point's contexts, (points, ORDERS).

    The shortest first: what a table is made from.
    """
    row = 0
    for document in range(offsets.shape[0] - 1):
        position, end = offsets[document], offsets[document + 1]
        first = second = third = LINE_BREAK
        while position < end:
            code, width = decode(data, position)
            position += width
            point = _point(code)
            block, alone, two, three, four = _hashes(point, first, second, third)
            found[row, 0] = block >> _FINGERPRINT_SHIFT
            found[row, 1] = alone >> _FINGERPRINT_SHIFT
            found[row, 2] = two >> _FINGERPRINT_SHIFT
            found[row, 3] = three >> _FINGERPRINT_SHIFT
            found[row, 4] = four >> _FINGERPRINT_SHIFT
            first, second, third = point, first, second
            row += 1
