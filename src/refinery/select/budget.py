"""The best documents until a token budget is spent, without gathering the documents in one place.

Where the running sum meets the budget is found digit by digit: units add up the tokens by the next 16 bits of the
ranking, as a number whose order is that of the ranking, among the documents that agree with the cut so far. After at
most four passes the cut is one exact value; documents that have it are taken in their order. Each unit writes its
histogram of 65,536 bins, and one unit adds them up: no process holds more than a few, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

DIGIT = 16  # bits
DIGITS = 64 // DIGIT
HISTOGRAM = pa.schema([("digit", pa.int64()), ("tokens", pa.int64())])


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
    histogram: Place


@dataclass(frozen=True)
class SumUnit:
    """The histograms of all groups, and the tokens that are left for the documents in them."""

    histograms: tuple[Place, ...]
    left: int


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


def write_histogram(unit: DigitUnit) -> None:
    """Writes the values that occur of the next digit, ascending, and the tokens of their documents."""
    totals = np.zeros(1 << DIGIT, np.int64)
    shift = np.uint64(64 - DIGIT * (unit.known + 1))
    for tokens, keys in _agreeing(unit):
        np.add.at(totals, (keys >> shift & np.uint64((1 << DIGIT) - 1)).astype(np.int64), tokens)
    found = np.flatnonzero(totals)
    with TableWriter(unit.histogram, HISTOGRAM, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays([pa.array(found), pa.array(totals[found])], schema=HISTOGRAM))


def sum_ties(unit: DigitUnit) -> int:
    """The tokens of the documents whose key is the cut's."""
    return sum(int(tokens.sum()) for tokens, _ in _agreeing(unit))


def _agreeing(unit: DigitUnit) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Tokens and keys of each file's documents that agree with the cut so far."""
    for place in unit.places:
        tokens, keys = read_ranked(place)
        if unit.known:
            agrees = keys >> np.uint64(64 - DIGIT * unit.known) == np.uint64(unit.prefix)
            tokens, keys = tokens[agrees], keys[agrees]
        yield tokens, keys


def find_digit(unit: SumUnit) -> tuple[int, int] | None:
    """The digit whose documents spend more than is left, and what the ones before it leave; None: nothing does."""
    totals = np.zeros(1 << DIGIT, np.int64)
    for place in unit.histograms:
        digits, tokens = (column.to_numpy() for column in read_table(place).columns)
        totals[digits] += tokens
    spent = np.cumsum(totals)
    over = int(np.searchsorted(spent, unit.left, "right"))
    return (over, unit.left - int(spent[over] - totals[over])) if over < len(spent) else None


def read_ranked(place: Place) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Tokens and key of each document of a file, in order."""
    table = read_table(place, ["tokens", "prefer_0"])
    tokens = table.column("tokens").to_numpy().astype(np.int64)
    return tokens, ranking_keys(table.column("prefer_0").to_numpy().astype(np.float64))


def find_cut(
    groups: Sequence[tuple[Place, ...]], budget: int, map_units: MapUnits, work: Place
) -> Cut | None:
    """Where the running sum of tokens, in ascending order of the ranking, meets the budget; None: it never does.

    groups: files in the order of the documents, each with columns `tokens` (int64) and `prefer_0` (float64: smaller
    is better, NaN last); work: a folder that is there, for histograms. Ties go to the earlier document. The first
    document that would overspend ends the selection, so that no lower-ranked document is kept in place of a better
    one.
    """
    prefix, left = 0, budget
    histograms = tuple(work / f"histogram-{number:06}.parquet" for number in range(len(groups)))

    def units(known: int) -> list[DigitUnit]:
        pairs = zip(groups, histograms, strict=True)
        return [DigitUnit(places, known, prefix, histogram) for places, histogram in pairs]

    for known in range(DIGITS):
        map_units(f"select digit {known + 1}", write_histogram, units(known))
        (found,) = map_units(f"select sum of digit {known + 1}", find_digit, [SumUnit(histograms, left)])
        if found is None:
            return None
        digit, left = found
        prefix = prefix << DIGIT | digit
    sums = map_units("select ties", sum_ties, units(DIGITS))
    before = np.cumsum([0, *sums])[: len(groups)]
    return Cut(prefix, tuple((left - before).tolist()))


def within(
    key: int | None, tokens: NDArray[np.int64], keys: NDArray[np.uint64], remaining: int
) -> tuple[NDArray[np.bool_], int]:
    """Which documents of a file are chosen, and what remains for those after them that have the cut's key."""
    if key is None:
        return np.ones(len(keys), np.bool_), remaining
    chosen = keys < np.uint64(key)
    ties = np.flatnonzero(keys == np.uint64(key))
    spent = np.cumsum(tokens[ties])
    chosen[ties[spent <= remaining]] = True
    return chosen, remaining - (int(spent[-1]) if len(spent) else 0)
