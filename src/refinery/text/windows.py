"""Kernels: the windows of a text, from each character the shortest run that has the least length.

A length is of characters or of estimated tokens. What a character adds to the estimate depends on the three before
it (refinery.text.token_estimate), so the first three of a run count nothing: equal runs are equally long wherever
they stand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.token_estimate import PARTS, UNCOUNTED, point_costs, table


class Length(NamedTuple):
    """The least length of a window, in parts: of what characters cost by the table of a family, or of 1 each.

    parts: of a character or token; table: uint16, empty where characters are counted.
    """

    least: int
    parts: int
    table: NDArray[np.uint16]


def of_characters(least: int) -> Length:
    """So many characters."""
    return Length(least, 1, np.empty(0, np.uint16))


def of_tokens(least: int, family: str) -> Length:
    """So many tokens, as they are estimated for a family of tokenizers."""
    return Length(least * PARTS, PARTS, table(family))


def lengths(
    batch: TextBatch,
    documents: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    length: Length,
) -> NDArray[np.int64]:
    """int64: parts of each passage, in its text; bytes starts[i]:ends[i] of documents[i], which ascend."""
    found = np.zeros(len(documents), np.int64)
    _lengths(batch.data, batch.offsets, documents, starts, ends, length, found)
    return found


def shorten(
    batch: TextBatch,
    documents: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    length: Length,
) -> None:
    """Moves the end of each passage, in place, to that of its last window: to its start where it has none.

    >>> ends = np.array([9], np.int64)
    >>> batch, (document, start) = TextBatch.from_texts(["a passage"]), np.zeros((2, 1), np.int64)
    >>> shorten(batch, document, start, ends, of_characters(10))
    >>> ends.tolist()
    [0]
    """
    _shorten(batch.data, batch.offsets, documents, starts, ends, length)


@njit(cache=True, nogil=True)
def measure(data, start, stop, length, places, costs):  # type: ignore[no-untyped-def]
    """Writes where each character of data[start:stop] begins, then `stop`, and its cost; gives the number of them."""
    count = 0
    for position in range(start, stop):
        if data[position] & 0xC0 != 0x80:
            places[count] = position
            count += 1
    places[count] = stop
    if len(length.table):
        point_costs(data, start, stop, length.table, costs)
    else:
        costs[:count] = 1
    return count


@njit(cache=True, nogil=True)
def window_ends(costs, count, length, least, ends):  # type: ignore[no-untyped-def]
    """Writes the character after each window of `least`, by its first one; gives the number of windows."""
    uncounted = UNCOUNTED if len(length.table) else 0
    end, total = uncounted, 0
    for start in range(count):
        while total < least and end < count:
            total += costs[end]
            end += 1
        if total < least:
            return start
        ends[start] = end
        total -= costs[start + uncounted]
    return count


@njit(cache=True, nogil=True)
def _lengths(data, offsets, documents, starts, ends, length, found):  # type: ignore[no-untyped-def]
    longest, known, count = 0, -1, 0
    for document in documents:
        longest = max(longest, offsets[document + 1] - offsets[document])
    places, costs = np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)
    for passage in range(len(documents)):
        document = documents[passage]
        first = offsets[document]
        if document != known:
            count = measure(data, first, offsets[document + 1], length, places, costs)
            known = document
        low, high = np.searchsorted(places[:count], first + np.array([starts[passage], ends[passage]]))
        found[passage] = costs[low:high].sum()


@njit(cache=True, nogil=True)
def _shorten(data, offsets, documents, starts, ends, length):  # type: ignore[no-untyped-def]
    longest = 0
    for passage in range(len(documents)):
        longest = max(longest, ends[passage] - starts[passage])
    places, costs, found = np.empty((3, longest + 1), np.int64)
    for passage in range(len(documents)):
        first = offsets[documents[passage]]
        begin, stop = first + starts[passage], first + ends[passage]
        count = measure(data, begin, stop, length, places, costs)
        windows = window_ends(costs, count, length, length.least, found)
        ends[passage] = places[found[windows - 1]] - first if windows else starts[passage]
