"""Counts by bucket of hashed features: units write those that are not 0, and what they wrote is added up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refinery.shuffle.records import Records
from refinery.storage.place import Place

_COUNT = np.dtype([("bucket", np.int64), ("count", np.int64)])


def counts_in(folder: Place, writers: int, texts: int = 1) -> Records:
    """Where so many units write counts, those of each text in a partition of its own."""
    return Records.create(folder, _COUNT, partitions=texts, writers=writers)


def write_counts(counts: Records, writer: int, found: NDArray[np.int64], text: int = 0) -> None:
    """Writes the counts of a text, int64 (buckets,)."""
    rows = np.empty(np.count_nonzero(found), _COUNT)
    rows["bucket"] = np.flatnonzero(found)
    rows["count"] = found[rows["bucket"]]
    counts.write(writer, rows, np.full(len(rows), text))


def add_counts(counts: Records, buckets: int, text: int = 0) -> NDArray[np.int64]:
    """The counts of a text by all units, int64 (buckets,)."""
    total = np.zeros(buckets, np.int64)
    for rows in counts.each(text):
        np.add.at(total, rows["bucket"], rows["count"])
    return total
