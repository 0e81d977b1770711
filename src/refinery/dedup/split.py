"""Splits of an output: which documents are held out of `train`, and which one of duplicates goes to which.

Shares are by a hash of the words, or of the value of a column, `split_by`: then a patient or a court is in one
split. Or each split has a condition on columns of the sources' files, as texts in one form (filters.values); a
document is in the first whose condition holds.

The words are those of the text as the source's own transforms leave it; the position of a document in [0, 1) is the
second half of their `content` digest. The first split has the positions from 0 to its share, the next one those from
there on, and `train` the rest. So the split of a text never changes: not with other documents, files, paths or
sources, not in another output or pipeline, and copies of a text are in one split wherever they lie.

A near duplicate has other words and another position. So dedup keeps, of duplicates, those of an earlier split before
all others: a document that is held out goes for none of `train`, and what would leak it into `train` goes for it. No
document of a split then moves to a later one when documents are added, nor does one that takes its place. The price,
which every rule has that keeps this promise without a record of earlier runs: a group of n different texts has n
chances to be held out, 1 - (1 - share)^n, of which one document is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.keys import column_keys
from refinery.definition.outputs import TRAIN, Output
from refinery.filters.predicate import columns_of, compute
from refinery.filters.values import value_texts

_PREFIX = (
    "split:"  # of what a verb calls columns that splits follow from: no column of a user's has such a name
)
WORDS = f"{_PREFIX}content"  # the `content` digests


@dataclass(frozen=True)
class Split:
    """What a document's split follows from, as numbers: one more than there are bounds or conditions.

    column: of the sources' files, or "" for the words, by whose hash `bounds` part the documents; conditions: SQL, in
    place of these.
    """

    column: str = ""
    bounds: tuple[int, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many splits there are."""
        return len(self.bounds or self.conditions) + 1

    @property
    def carried(self) -> tuple[str, ...]:
        """The columns of the sources' files that it reads; none where words tell it."""
        read = {column for sql in self.conditions for column in columns_of(sql)}
        return (self.column,) if self.column else tuple(sorted(read))

    @property
    def needed(self) -> tuple[str, ...]:
        """What a verb calls the columns that it reads."""
        return tuple(f"{_PREFIX}{name}" for name in self.carried) or (WORDS,)

    @property
    def settings(self) -> dict[str, object]:
        """All that it is made of, as JSON values."""
        return {"by": self.column, "bounds": list(self.bounds), "conditions": list(self.conditions)}

    def numbers(self, columns: pa.Table) -> NDArray[np.int64]:
        """int64 (rows,): the split of each document; columns: those that are needed, in their order.

        One without words, or without a value, is in the last.
        """
        if self.conditions:
            return self._by_conditions(columns)
        digests = pa.chunked_array([column_keys(columns)]) if self.column else columns.column(0)
        return split_numbers(digests, self.bounds)

    def held_out(self, columns: pa.Table) -> NDArray[np.bool_]:
        """bool (rows,): which documents are of a split before the last, `train`; columns: as in `numbers`."""
        return self.numbers(columns) < self.count - 1

    def _by_conditions(self, columns: pa.Table) -> NDArray[np.int64]:
        texts = [
            value_texts(column, field) for column, field in zip(columns.columns, columns.schema, strict=True)
        ]
        frame = pl.DataFrame(
            [pl.Series(n, one, pl.String) for n, one in zip(self.carried, texts, strict=True)]
        )
        numbers = np.full(len(columns), len(self.conditions), np.int64)
        for number, sql in reversed(list(enumerate(self.conditions))):
            numbers[compute(sql, frame).fill_null(False).to_numpy()] = number
        return numbers


def split_of(output: Output) -> Split | None:
    """How an output is split, if it is."""
    if not output.split:
        return None
    if output.conditions:
        return Split(conditions=tuple(output.conditions.values()))
    return Split(output.split_by or "", bounds_of(output.shares))


def joined(one: Split, other: Split) -> Split | None:
    """A split that parts whatever one of two does, in the same order; None if there is none."""
    if (one.column, one.conditions) != (other.column, other.conditions):
        return None
    return Split(one.column, tuple(sorted({*one.bounds, *other.bounds})), one.conditions)


def split_names(split: Mapping[str, object]) -> tuple[str, ...]:
    """All splits of an output in order, `train` last; none if it is not split."""
    return (*split, TRAIN) if split else ()


def bounds_of(split: Mapping[str, float]) -> tuple[int, ...]:
    """Where the splits but `train` end, in positions of 64 bits.

    >>> [bound / 2**64 for bound in bounds_of({"validation": 0.25, "test": 0.5})]
    [0.25, 0.75]
    """
    return tuple(int(end * 2**64) for end in accumulate(Fraction(str(share)) for share in split.values()))


def split_numbers(content: pa.ChunkedArray, bounds: tuple[int, ...]) -> NDArray[np.int64]:
    """The split of each document by its number, from its `content` digest; one without words is in the last."""
    if pa.types.is_null(content.type):
        return np.full(len(content), len(bounds), np.int64)
    digests = content.cast(pa.binary(16)).combine_chunks().fill_null(b"\xff" * 16)
    positions = np.frombuffer(digests.buffers()[1], ">u8", 2 * len(digests), 16 * digests.offset)[1::2]
    numbers: NDArray[np.int64] = np.searchsorted(np.array(bounds, np.uint64), positions, side="right")
    return numbers
