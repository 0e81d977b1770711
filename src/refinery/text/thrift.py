"""Where structures of Thrift's compact protocol lie, without their definition and without an object for any value.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md; without maps, of which Parquet has
none. What is damaged has no end: every function gives -1, or fewer than asked for, and reads nothing beyond the data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

MAX_FIELDS = 64
_DEEPEST = 64  # structures and lists within each other


@njit(cache=True, nogil=True)
def varint(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """A number of up to 63 bits, not zigzag, and where it ends (-1: nowhere)."""
    value = np.int64(0)
    for shift in range(0, 63, 7):
        if at < 0 or at >= len(data):
            return 0, -1
        byte: Any = np.int64(data[at])
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    return 0, -1


@njit(cache=True, nogil=True)
def _list(data: NDArray[np.uint8], at: int) -> tuple[int, int, int]:
    """The kind of a list's elements, their number, and where the first one begins (-1: it is no list)."""
    if at < 0 or at >= len(data):
        return 0, 0, -1
    count: Any = np.int64(data[at] >> 4)
    kind: Any = np.int64(data[at] & 15)
    at += 1
    if count == 15:
        count, at = varint(data, at)
    if count > len(data) - at:  # each takes a byte at least
        return 0, 0, -1
    return kind, count, at


@njit(cache=True, nogil=True)
def end(data: NDArray[np.uint8], at: int, kind: int) -> int:
    """Where the value of a kind that begins at `at` ends, in a list or a structure; -1 where nowhere.

    data: uint8. A boolean takes no byte here: that of a field lies in its head.
    """
    left = np.zeros(_DEEPEST, np.int64)  # elements of a list, -1 for a structure
    kinds = np.zeros(_DEEPEST, np.int64)
    depth, left[0], kinds[0] = 0, 1, kind
    while depth >= 0:
        if left[depth] == 0:
            depth -= 1
            continue
        if at < 0 or at > len(data):
            return -1
        if left[depth] < 0:
            if at >= len(data):
                return -1
            head = np.int64(data[at])
            at += 1
            if head == 0:
                depth -= 1
                continue
            if head < 16:
                _, at = varint(data, at)
            one = head & 15
        else:
            left[depth] -= 1
            one = kinds[depth]
        if one <= 2:  # a boolean is a byte in a list
            at += 1 if left[depth] >= 0 and depth else 0
        elif one == 3:
            at += 1
        elif one <= 6:
            _, at = varint(data, at)
        elif one == 7:
            at += 8
        elif one == 8:
            size, at = varint(data, at)
            if at >= 0:
                at = at + size if size <= len(data) - at else -1
        elif one in (9, 10, 12) and depth + 1 < _DEEPEST:
            depth += 1
            left[depth] = -1
            if one != 12:
                kinds[depth], left[depth], at = _list(data, at)
        else:
            return -1
    return at if at <= len(data) else -1


@njit(cache=True, nogil=True)
def fields(data: NDArray[np.uint8], at: int, found: NDArray[np.int64]) -> tuple[int, int]:
    """Fills in number, kind, begin and end of each field of a structure; how many, and where it ends (-1: nowhere).

    data: uint8; found: int64[MAX_FIELDS, 4].
    """
    number: Any = np.int64(0)
    for count in range(MAX_FIELDS + 1):
        if at < 0 or at >= len(data):
            return 0, -1
        head: Any = np.int64(data[at])
        at += 1
        if head == 0:
            return count, at
        if count == MAX_FIELDS:
            return 0, -1
        if head < 16:
            packed, at = varint(data, at)
            number = (packed >> 1) ^ -(packed & 1)
        else:
            number += head >> 4
        stop = end(data, at, head & 15)
        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = number, head & 15, at, stop
        at = stop
    return 0, -1


@njit(cache=True, nogil=True)
def elements(data: NDArray[np.uint8], at: int) -> NDArray[np.int64]:
    """Where each element of a list begins, and where the last one ends; none where it is no list of them.

    data: uint8. Returns int64 of one more than there are.
    """
    kind, count, at = _list(data, at)
    if at < 0:
        return np.zeros(0, np.int64)
    bounds = np.zeros(count + 1, np.int64)
    bounds[0] = at
    for number in range(count):
        at = end(data, at, kind)
        if at < 0:
            return np.zeros(0, np.int64)
        bounds[number + 1] = at
    return bounds


@njit(cache=True, nogil=True)
def members(data: NDArray[np.uint8], starts: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """Where field `number` of each structure begins, -1 where it has none. data: uint8; starts, result: int64."""
    places = np.full(len(starts), -1, np.int64)
    found = np.zeros((MAX_FIELDS, 4), np.int64)
    for one in range(len(starts)):
        count, _ = fields(data, starts[one], found)
        for field in range(count):
            if found[field, 0] == number:
                places[one] = found[field, 2]
    return places
