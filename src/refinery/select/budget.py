"""The best documents until a token budget is spent, without gathering the documents in one place.

Where the running sum meets the budget is found digit by digit: units add up the tokens by the next 16 bits of the
ranking, as keys whose order is that of the ranking, among the documents that agree with the cut so far. After at most
four passes a key the cut is one exact value; documents that have it are taken in their order. Each unit writes its
histogram of 65,536 bins, and one unit adds them up: no process holds more than a few, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.ranking import stored_keys
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

DIGIT = 16  # bits
DIGITS = 64 // DIGIT
HISTOGRAM = pa.schema([("digit", pa.int64()), ("tokens", pa.int64())])


@dataclass(frozen=True)
class Cut:
    """Documents with keys below `keys` are chosen, and of those with these keys the first, while tokens remain.

    remaining: tokens left for documents with the keys, before each group of files.
    """

    keys: tuple[int, ...]
    remaining: tuple[int, ...]


@dataclass(frozen=True)
class DigitUnit:
    """A group of files (columns `tokens`, `prefer_0` ...); keys agree with the cut in the digits `known`."""

    places: tuple[Place, ...]
    known: tuple[int, ...]
    histogram: Place


@dataclass(frozen=True)
class SumUnit:
    """The histograms of all groups, and the tokens that are left for the documents in them."""

    histograms: tuple[Place, ...]
    left: int


def write_histogram(unit: DigitUnit) -> None:
    """Writes the values that occur of the next digit, ascending, and the tokens of their documents."""
    totals = np.zeros(1 << DIGIT, np.int64)
    for tokens, keys in _agreeing(unit):
        np.add.at(totals, _digit(keys, len(unit.known)), tokens)
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
        for number, digit in enumerate(unit.known):
            agrees = _digit(keys, number) == digit
            tokens, keys = tokens[agrees], keys[agrees]
        yield tokens, keys


def _digit(keys: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
    """A digit of each document's keys, the most important digit of the first key being 0."""
    shift = np.uint64(64 - DIGIT * (number % DIGITS + 1))
    return (keys[:, number // DIGITS] >> shift & np.uint64((1 << DIGIT) - 1)).astype(np.int64)


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
    """Tokens, and keys (documents, keys), of the documents of a file, in order."""
    table = read_table(place)
    tokens = table.column("tokens").to_numpy().astype(np.int64)
    names = [name for name in table.column_names if name.startswith("prefer_")]
    return tokens, np.stack([stored_keys(table.column(name)) for name in names], axis=1)


def find_cut(
    groups: Sequence[tuple[Place, ...]], budget: int, map_units: MapUnits, work: Place, keys: int = 1
) -> Cut | None:
    """Where the running sum of tokens, in ascending order of the ranking, meets the budget; None: it never does.

    groups: files in the order of the documents, each with columns `tokens` (int64) and `prefer_0`, `prefer_1` ..., as
    many as `keys` (keys of filters.ranking, or other numbers, the smaller the better); work: a folder that is there,
    for histograms. Ties go to the earlier document. The first document that would overspend ends the selection, so
    that no lower-ranked document is kept in place of a better one.
    """
    found: tuple[int, ...] = ()
    left = budget
    histograms = tuple(work / f"histogram-{number:06}.parquet" for number in range(len(groups)))

    def units() -> list[DigitUnit]:
        pairs = zip(groups, histograms, strict=True)
        return [DigitUnit(places, found, histogram) for places, histogram in pairs]

    for number in range(1, DIGITS * keys + 1):
        map_units(f"select digit {number}", write_histogram, units())
        (digit,) = map_units(f"select sum of digit {number}", find_digit, [SumUnit(histograms, left)])
        if digit is None:
            return None
        found, left = (*found, digit[0]), digit[1]
    sums = map_units("select ties", sum_ties, units())
    before = np.cumsum([0, *sums])[: len(groups)]
    whole = np.array(found, np.uint64).reshape(keys, DIGITS) << np.arange(64 - DIGIT, -1, -DIGIT).astype(
        np.uint64
    )
    return Cut(tuple(whole.sum(axis=1, dtype=np.uint64).tolist()), tuple((left - before).tolist()))


def within(
    cut: tuple[int, ...] | None, tokens: NDArray[np.int64], keys: NDArray[np.uint64], remaining: int
) -> tuple[NDArray[np.bool_], int]:
    """Which documents of a file are chosen, and what remains for those after them that have the cut's keys."""
    if cut is None:
        return np.ones(len(keys), np.bool_), remaining
    chosen, tied = np.zeros(len(keys), np.bool_), np.ones(len(keys), np.bool_)
    for column, key in zip(keys.T, cut, strict=True):
        chosen |= tied & (column < np.uint64(key))
        tied &= column == np.uint64(key)
    ties = np.flatnonzero(tied)
    spent = np.cumsum(tokens[ties])
    chosen[ties[spent <= remaining]] = True
    return chosen, remaining - (int(spent[-1]) if len(spent) else 0)
