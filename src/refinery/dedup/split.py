"""Splits of an output: a document's is a hash of its words, and duplicates go to the first one that has any of them.

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
from fractions import Fraction
from itertools import accumulate

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.definition.models import TRAIN

POSITION = "split:position"  # what a verb calls the column of the `content` digests that splits follow from


def split_names(split: Mapping[str, float]) -> tuple[str, ...]:
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
