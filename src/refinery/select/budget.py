"""The best documents until a token budget is spent, without gathering the documents in one place.

Where the running sum meets the budget is found digit by digit: units add up the tokens by the next 16 bits of the
ranking, as a number whose order is that of the ranking, among the documents that agree with the cut so far. After at
most four passes the cut is one exact value; documents that have it are taken in their order. Memory is that of a
histogram of 65,536 bins, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.dedup.layout import MapUnits
from refinery.storage.place import Place
from refinery.storage.tables import read_table

DIGIT = 16  # bits
DIGITS = 64 // DIGIT


@dataclass(frozen=True)
class Cut:
    """Documents with a key below `key` are chosen, and of those with this key the first, while tokens remain.

    remaining: tokens left for documents with the key, before each group of files.
    """

    key: int
    remaining: tuple[int, ...]


@dataclass(frozen=True)
class DigitUnit:
    """A group of files (columns `tokens`, `prefer_0`); keys agree with the cut in `known` digits, `prefix`."""

    places: tuple[Place, ...]
    known: int
    prefix: int


def ranking_keys(ranking: NDArray[np.float64]) -> NDArray[np.uint64]:
    """uint64 in the order of the ranking: equal values have one key (0.0 and -0.0 too), NaN has the greatest.

    >>> ranking_keys(np.array([-1.0, -0.0, 0.0, 2.5, np.nan])).argsort(kind="stable").tolist()
    [0, 1, 2, 3, 4]
    """
    bits = (ranking + 0.0).view(np.uint64)
    sign = np.uint64(1) << np.uint64(63)
    keys = np.where(bits & sign, ~bits, bits | sign)
    keys[np.isnan(ranking)] = np.iinfo(np.uint64).max
    return keys


def add_up(unit: DigitUnit) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The values that occur of the next digit, ascending, and the tokens of their documents."""
    totals = np.zeros(1 << DIGIT, np.int64)
    there = np.zeros(1 << DIGIT, np.bool_)
    for place in unit.places:
        tokens, keys = read_ranked(place)
        if unit.known:
            agrees = keys >> np.uint64(64 - DIGIT * unit.known) == np.uint64(unit.prefix)
            tokens, keys = tokens[agrees], keys[agrees]
        if unit.known == DIGITS:  # nothing is left to tell apart
            digits = np.zeros(len(keys), np.int64)
        else:
            shift = np.uint64(64 - DIGIT * (unit.known + 1))
            digits = (keys >> shift & np.uint64((1 << DIGIT) - 1)).astype(np.int64)
        np.add.at(totals, digits, tokens)
        there[digits] = True
    found = np.flatnonzero(there)
    return found, totals[found]


def read_ranked(place: Place) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Tokens and key of each document of a file, in order."""
    table = read_table(place, ["tokens", "prefer_0"])
    tokens = table.column("tokens").to_numpy().astype(np.int64)
    return tokens, ranking_keys(table.column("prefer_0").to_numpy().astype(np.float64))


def find_cut(groups: Sequence[tuple[Place, ...]], budget: int, map_units: MapUnits) -> Cut | None:
    """Where the running sum of tokens, in ascending order of the ranking, meets the budget; None: it never does.

    groups: files in the order of the documents, each with columns `tokens` (int64) and `prefer_0` (float64: smaller
    is better, NaN last). Ties go to the earlier document. The first document that would overspend ends the
    selection, so that no lower-ranked document is kept in place of a better one.
    """
    prefix, left = 0, budget
    for known in range(DIGITS):
        units = [DigitUnit(places, known, prefix) for places in groups]
        totals = np.zeros(1 << DIGIT, np.int64)
        for digits, tokens in map_units(f"select digit {known + 1}", add_up, units):
            totals[digits] += tokens
        spent = np.cumsum(totals)
        over = int(np.searchsorted(spent, left, "right"))
        if over == len(spent):
            return None
        left -= int(spent[over] - totals[over])
        prefix = prefix << DIGIT | over
    units = [DigitUnit(places, DIGITS, prefix) for places in groups]
    sums = [int(tokens.sum()) for _, tokens in map_units("select ties", add_up, units)]
    before = np.cumsum([0, *sums])[: len(groups)]
    return Cut(prefix, tuple((left - before).tolist()))


def within(
    cut: Cut | None, tokens: NDArray[np.int64], keys: NDArray[np.uint64], remaining: int
) -> tuple[NDArray[np.bool_], int]:
    """Which documents of a file are chosen, and what remains for those after them that have the cut's key."""
    if cut is None:
        return np.ones(len(keys), np.bool_), remaining
    key = np.uint64(cut.key)
    chosen = keys < key
    ties = np.flatnonzero(keys == key)
    spent = np.cumsum(tokens[ties])
    chosen[ties[spent <= remaining]] = True
    return chosen, remaining - (int(spent[-1]) if len(spent) else 0)
