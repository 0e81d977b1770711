"""Kernels: what of texts that may share passages (refinery.text.passage_contexts) is the same, byte for byte."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.passage_contexts import longer
from refinery.text.windows import Length, measure, window_ends

CLAIM = np.dtype(
    [
        ("document", np.int64),
        ("start", np.int64),
        ("end", np.int64),
        ("other", np.int64),  # the document that has the same bytes from `other_start` on, and is preferred
        ("other_start", np.int64),
    ]
)


def compare_contexts(
    contexts: TextBatch, about: NDArray[np.void], length: Length, most: int, *, whole: bool
) -> NDArray[np.void]:
    """CLAIM of each run of windows that an earlier context of the same hash has too: the earliest such one.

    about: CONTEXT of each text, those of a hash together and in the order of preference; length: of windows;
    most: the earlier contexts that one is compared with; whole: contexts are compared as such.
    An earlier window of the same document that overlaps with one is no other copy of it.
    """
    found: NDArray[np.void] = _compare(contexts.data, contexts.offsets, about, length, most, whole)
    return found


def untouched(claims: NDArray[np.void], touched: NDArray[np.void], least: int) -> NDArray[np.void]:
    """CLAIM: the pieces of claims, of at least so many bytes, whose copy is not touched.

    claims: by `other` and `other_start`; touched: CLAIM whose pieces of `document` go, in order, none overlapping.
    """
    found: NDArray[np.void] = _untouched(claims, touched, least)
    return found


@njit(cache=True, nogil=True)
def _compare(data, offsets, about, length, most, whole):  # type: ignore[no-untyped-def]
    found = np.empty(len(about) + 16, CLAIM)
    size = group = longest = 0
    for i in range(len(about)):
        longest = max(longest, offsets[i + 1] - offsets[i])
    places, costs, ends = np.empty((3, longest + 1), np.int64)  # from the context's start on
    decided = np.empty(longest + 1, np.bool_)  # of a context's windows
    for one in range(len(about)):
        if about[one].hash != about[group].hash:
            group = one
        if one == group:
            continue
        count = measure(data, offsets[one], offsets[one + 1], length, places, costs)
        places[: count + 1] -= offsets[one]
        windows, ends[0] = 1, count
        if not whole:
            windows = window_ends(costs, count, length, length.least, ends)
            windows = min(windows, np.searchsorted(places[:count], about[one].anchor, "right"))
        decided[:windows] = False
        still_open = windows
        for other in range(group, min(one, group + most)):
            if still_open == 0:
                break
            if not whole or offsets[one + 1] - offsets[one] == offsets[other + 1] - offsets[other]:
                left, right = _same_around(data, offsets, about, one, other)
                found, size, new = _add_runs(
                    about, one, other, left, right, places, ends[:windows], decided, found, size
                )
                still_open -= new
    return found[:size]


@njit(cache=True, nogil=True)
def _same_around(data, offsets, about, one, other):  # type: ignore[no-untyped-def]
    """Where, from the start of the first context on, what is the same about both anchors begins and ends."""
    anchor, middle = np.int64(about[one].anchor), np.int64(about[other].anchor)
    here, there = offsets[one] + anchor, offsets[other] + middle
    left = right = 0
    while left < anchor and left < middle and data[here - left - 1] == data[there - left - 1]:
        left += 1
    room = min(offsets[one + 1] - here, offsets[other + 1] - there)
    while right < room and data[here + right] == data[there + right]:
        right += 1
    return anchor - left, anchor + right


@njit(cache=True, nogil=True)
def _add_runs(about, one, other, left, right, places, ends, decided, found, size):  # type: ignore[no-untyped-def]
    """Adds the runs of undecided windows in left:right; gives the claims, their number, how many were decided."""
    shift = np.int64(about[other].anchor) - np.int64(about[one].anchor)
    apart = np.int64(1) << 62
    if about[one].document == about[other].document:
        apart = about[one].start - about[other].start - shift
    windows, new = len(ends), 0
    start = -1  # of a run of windows
    for window in range(windows + 1):
        same = window < windows and not decided[window]
        same = same and places[window] >= left and places[ends[window]] <= right
        if same:
            decided[window] = True  # by an overlapping copy too: all later ones overlap
            new += 1
            same = places[ends[window]] - places[window] <= apart
        if same and start < 0:
            start = window
        if start >= 0 and not same:
            if size == len(found):
                found = longer(found)
            found[size].document = about[one].document
            found[size].start = about[one].start + places[start]
            found[size].end = about[one].start + places[ends[window - 1]]
            found[size].other = about[other].document
            found[size].other_start = about[other].start + shift + places[start]
            size += 1
            start = -1
    return found, size, new


@njit(cache=True, nogil=True)
def _untouched(claims, touched, least):  # type: ignore[no-untyped-def]
    found = np.empty(len(claims) + 16, CLAIM)
    size = 0
    first = 0  # of the touched pieces that may meet this claim or later ones
    for claim in range(len(claims)):
        other, start = claims[claim].other, claims[claim].other_start
        stop = start + claims[claim].end - claims[claim].start
        while first < len(touched) and (
            touched[first].document < other
            or (touched[first].document == other and touched[first].end <= start)
        ):
            first += 1
        at, piece = first, start
        while piece < stop:
            meets = at < len(touched) and touched[at].document == other and touched[at].start < stop
            end = max(touched[at].start, piece) if meets else stop
            if end - piece >= least:
                if size == len(found):
                    found = longer(found)
                found[size].document = claims[claim].document
                found[size].start = claims[claim].start + piece - start
                found[size].end = claims[claim].start + end - start
                found[size].other = other
                found[size].other_start = piece
                size += 1
            piece = max(touched[at].end, piece) if meets else stop
            at += 1
    return found[:size]
