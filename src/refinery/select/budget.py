"""The best documents until a token budget is spent, without gathering the documents in one place.

Where the running sum meets the budget is found digit by digit: units add up the tokens by the next 16 bits of the
ranking, as a number whose order is that of the ranking, among the documents that agree with the cutoff so far. After
at most four passes the cutoff is one exact value; documents that have it are taken in their order. Each unit writes
its histogram of 65,536 bins, and one unit adds them up: no process holds more than a few, whatever the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place

DIGIT = 16  # bits
DIGITS = 64 // DIGIT
RANKED = np.dtype([("document", np.int64), ("tokens", np.int64), ("key", np.uint64)])  # key: of ranking_keys
HISTOGRAM = np.dtype([("digit", np.int64), ("tokens", np.int64)])


@dataclass(frozen=True)
class Cutoff:
    """Documents with a key below `key` are chosen, and of those with this key the first, while tokens remain.

    remaining: tokens left for documents with the key, before each batch of writers.
    """

    key: int
    remaining: tuple[int, ...]


class Batch(NamedTuple):
    """Consecutive writers of ranked documents, which one unit takes together."""

    number: int
    writers: range


class Known(NamedTuple):
    """The first digits of the cutoff, as far as they are known."""

    digits: int
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


def find_cutoff(
    ranked: Records, batches: Sequence[Batch], budget: int, map_units: MapUnits, work: Place
) -> Cutoff | None:
    """Where the running sum of tokens, by ascending key, meets the budget; None: it never does.

    ranked: RANKED, in the order of the documents, by writer; batches: all its writers; work: a folder for histograms.
    Ties go to the earlier document. The first document that would overspend ends the selection, so that no
    lower-ranked document is kept in place of a better one.
    """
    known, left = Known(0, 0), budget
    for digit in range(1, DIGITS + 1):
        with Records.create(work / f"histogram-{digit}", HISTOGRAM, writers=len(batches)) as histograms:
            write = partial(write_histogram, ranked, histograms, known)
            map_units(f"select digit {digit}", write, batches)
            (found,) = map_units(f"select sum of digit {digit}", partial(find_digit, histograms), [left])
        if found is None:
            return None
        value, left = found
        known = Known(digit, known.prefix << DIGIT | value)
    sums = map_units("select ties", partial(sum_ties, ranked, known), batches)
    before = np.cumsum([0, *sums])[: len(batches)]
    return Cutoff(known.prefix, tuple((left - before).tolist()))


def write_histogram(ranked: Records, histograms: Records, known: Known, batch: Batch) -> None:
    """Writes the values that occur of the next digit, ascending, and the tokens of their documents."""
    totals = np.zeros(1 << DIGIT, np.int64)
    shift = np.uint64(64 - DIGIT * (known.digits + 1))
    for records in _agreeing(ranked, known, batch):
        digits = records["key"] >> shift & np.uint64((1 << DIGIT) - 1)
        np.add.at(totals, digits.astype(np.int64), records["tokens"])
    found = np.flatnonzero(totals)
    histogram = np.empty(len(found), HISTOGRAM)
    histogram["digit"], histogram["tokens"] = found, totals[found]
    histograms.write(batch.number, histogram)


def find_digit(histograms: Records, left: int) -> tuple[int, int] | None:
    """The digit whose documents spend more than is left, and what the ones before it leave; None: nothing does."""
    totals = np.zeros(1 << DIGIT, np.int64)
    for histogram in histograms.each():
        totals[histogram["digit"]] += histogram["tokens"]
    spent = np.cumsum(totals)
    over = int(np.searchsorted(spent, left, "right"))
    return (over, left - int(spent[over] - totals[over])) if over < len(spent) else None


def sum_ties(ranked: Records, known: Known, batch: Batch) -> int:
    """The tokens of the documents whose key is the cutoff's."""
    return sum(int(records["tokens"].sum()) for records in _agreeing(ranked, known, batch))


def _agreeing(ranked: Records, known: Known, batch: Batch) -> Iterator[NDArray[Any]]:
    """The documents of a batch that agree with the cutoff so far, a writer's at a time."""
    for records in ranked.each(writers=batch.writers):
        if not known.digits:
            yield records
            continue
        yield records[records["key"] >> np.uint64(64 - DIGIT * known.digits) == np.uint64(known.prefix)]


def within(key: int | None, records: NDArray[Any], remaining: int) -> tuple[NDArray[np.bool_], int]:
    """Which of a writer's documents are chosen, and what remains for those after them that have the cutoff's key.

    key: the cutoff's; None: the budget is never met.
    """
    if key is None:
        return np.ones(len(records), np.bool_), remaining
    chosen = records["key"] < np.uint64(key)
    ties = np.flatnonzero(records["key"] == np.uint64(key))
    spent = np.cumsum(records["tokens"][ties])
    chosen[ties[spent <= remaining]] = True
    return chosen, remaining - (int(spent[-1]) if len(spent) else 0)
