"""The best documents until a token budget is spent, without gathering the documents in one place.

Where the running sum meets the budget is found digit by digit: units add up the tokens by the next 16 bits of the
ranking, as keys whose order is that of the ranking, among the documents that agree with the cutoff so far. After at
most four passes a key the cutoff is one exact value; documents that have it are taken in their order. Each unit
writes its histogram of 65,536 bins, and one unit adds them up: no process holds more than a few, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

DIGIT = 16  # bits
DIGITS = 64 // DIGIT
HISTOGRAM = np.dtype([("digit", np.int64), ("tokens", np.int64)])


def ranked_dtype(keys: int) -> np.dtype[Any]:
    """A document, its tokens, and the keys that it is ranked by, see filters.ranking."""
    return np.dtype([("document", np.int64), ("tokens", np.int64), ("keys", np.uint64, (keys,))])


@dataclass(frozen=True)
class Cutoff:
    """Documents with keys below `keys` are chosen, and of those with these keys the first, while tokens remain.

    remaining: tokens left for documents with the keys, before each writer.
    """

    keys: tuple[int, ...]
    remaining: tuple[int, ...]


def find_cutoff(ranked: Records, budget: int, map_units: MapUnits, work: Place) -> Cutoff | None:
    """Where the running sum of tokens, by ascending keys, meets the budget; None: it never does.

    ranked: of ranked_dtype, in the order of the documents, by writer; work: a folder for histograms. Ties go to the
    earlier document. The first document that would overspend ends the selection, so that no lower-ranked document is
    kept in place of a better one.
    """
    keys = ranked.form["keys"].shape[0]
    known: tuple[int, ...] = ()
    left = budget
    for digit in range(1, DIGITS * keys + 1):
        with Records.create(work / f"histogram-{digit}", HISTOGRAM, writers=ranked.writers) as histograms:
            write = partial(write_histogram, ranked, histograms, known)
            map_units(f"select digit {digit}", write, range(ranked.writers))
            (found,) = map_units(f"select sum of digit {digit}", partial(find_digit, histograms), [left])
        if found is None:
            return None
        value, left = found
        known = (*known, value)
    sums = map_units("select ties", partial(sum_ties, ranked, known), range(ranked.writers))
    before = np.cumsum([0, *sums])[: ranked.writers]
    weights = np.uint64(1) << np.arange(64 - DIGIT, -1, -DIGIT, dtype=np.uint64)
    cutoff = (np.array(known, np.uint64).reshape(keys, DIGITS) * weights).sum(axis=1, dtype=np.uint64)
    return Cutoff(tuple(cutoff.tolist()), tuple((left - before).tolist()))


def write_histogram(ranked: Records, histograms: Records, known: tuple[int, ...], writer: int) -> None:
    """Writes the values that occur of the next digit, ascending, and the tokens of their documents."""
    totals = np.zeros(1 << DIGIT, np.int64)
    for records in _agreeing(ranked, known, writer):
        np.add.at(totals, _digit(records["keys"], len(known)), records["tokens"])
    found = np.flatnonzero(totals)
    histogram = np.empty(len(found), HISTOGRAM)
    histogram["digit"], histogram["tokens"] = found, totals[found]
    histograms.write(writer, histogram)


def find_digit(histograms: Records, left: int) -> tuple[int, int] | None:
    """The digit whose documents spend more than is left, and what the ones before it leave; None: nothing does."""
    totals = np.zeros(1 << DIGIT, np.int64)
    for histogram in histograms.each():
        totals[histogram["digit"]] += histogram["tokens"]
    spent = np.cumsum(totals)
    over = int(np.searchsorted(spent, left, "right"))
    return (over, left - int(spent[over] - totals[over])) if over < len(spent) else None


def sum_ties(ranked: Records, known: tuple[int, ...], writer: int) -> int:
    """The tokens of the documents whose keys are the cutoff's."""
    return sum(int(records["tokens"].sum()) for records in _agreeing(ranked, known, writer))


def _agreeing(ranked: Records, known: tuple[int, ...], writer: int) -> Iterator[NDArray[Any]]:
    """The documents of a writer that agree with the first digits of the cutoff, a block at a time."""
    for records in ranked.each(writers=[writer]):
        for number, digit in enumerate(known):
            records = records[_digit(records["keys"], number) == digit]  # noqa: PLW2901
        yield records


def _digit(keys: NDArray[np.uint64], number: int) -> NDArray[np.int64]:
    """A digit of each document's keys, of which the most important one of the first key is 0."""
    shift = np.uint64(64 - DIGIT * (number % DIGITS + 1))
    return (keys[:, number // DIGITS] >> shift & np.uint64((1 << DIGIT) - 1)).astype(np.int64)


def within(
    keys: tuple[int, ...] | None, records: NDArray[Any], remaining: int
) -> tuple[NDArray[np.bool_], int]:
    """Which of a writer's documents are chosen, and what remains for those after them that have the cutoff's keys.

    keys: the cutoff's; None: the budget is never met.
    """
    if keys is None:
        return np.ones(len(records), np.bool_), remaining
    chosen, tied = np.zeros(len(records), np.bool_), np.ones(len(records), np.bool_)
    for own, key in zip(records["keys"].T, keys, strict=True):
        chosen |= tied & (own < np.uint64(key))
        tied &= own == np.uint64(key)
    ties = np.flatnonzero(tied)
    spent = np.cumsum(records["tokens"][ties])
    chosen[ties[spent <= remaining]] = True
    return chosen, remaining - (int(spent[-1]) if len(spent) else 0)
