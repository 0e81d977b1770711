"""Where the documents of a dedup are: one number each, their files, and what is looked up by number.

Documents are numbered through all shards, frozen shards first. The order in which they are preferred is: frozen
before others, then the preference columns (smaller first, not measured last), then the number, which is trust
order and then row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.text.batch import TextBatch

BATCH_ROWS = 1 << 15  # entries read at a time: 15 MB of signatures

MapUnits = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
ReadTexts = Callable[[Any, NDArray[np.int64]], Iterator[TextBatch]]


@dataclass(frozen=True)
class Near:
    """Near-duplicate search: Jaccard threshold, signature length, its cut into bands, shingle lengths."""

    threshold: float = 0.8
    num_perm: int = 112
    bands: int = 9
    rows: int = 12
    words: int = 5
    chars: int = 8


@dataclass(frozen=True)
class DedupShard:
    """A shard's entries as the verb sees them.

    entries: Parquet with `content` (16 bytes, NULL allowed), `signature` (4 * num_perm bytes, NULL allowed; either is
    absent when it is not compared) and `prefer_0`, `prefer_1` ... (the smaller the better, NULL and NaN last).
    documents: what `read_texts` is given with row numbers of this file. frozen: an earlier corpus, always kept.
    name: the source, for the guard against clusters that eat it.
    """

    entries: Path
    documents: Any
    frozen: bool
    rows: int
    name: str = ""


@dataclass(frozen=True)
class Layout:
    """How documents are numbered, and the folder of the files between units.

    starts: number of each shard's first document, int64 (shards + 1,); documents below `frozen` are frozen;
    preferences: names of the preference columns, most important first.
    """

    work: Path
    starts: NDArray[np.int64]
    frozen: int
    preferences: tuple[str, ...]
    num_perm: int

    @classmethod
    def of(cls, shards: list[DedupShard], work: Path, num_perm: int) -> Layout:
        """The layout of shards of which the frozen ones come first."""
        starts = np.array([0, *accumulate(shard.rows for shard in shards)], np.int64)
        frozen = sum(shard.rows for shard in shards if shard.frozen)
        names = pq.read_schema(shards[-1].entries).names if shards else []
        preferences = [name for name in names if name.startswith("prefer_")]
        preferences.sort(key=lambda name: int(name.removeprefix("prefer_")))
        return cls(work, starts, frozen, tuple(preferences), num_perm)

    def file(self, kind: str, number: int) -> Path:
        """The file of this kind that a shard or a key range has."""
        return self.work / f"{kind}-{number:06}.spill"

    def files(self, kind: str) -> list[Path]:
        """The files of this kind that every shard has."""
        return [self.file(kind, number) for number in range(len(self.starts) - 1)]

    def by_shard(self, documents: NDArray[np.int64]) -> Iterator[tuple[int, slice]]:
        """Shards that hold any of the ascending document numbers, and which part of them."""
        cuts = np.searchsorted(documents, self.starts)
        for number in np.flatnonzero(np.diff(cuts)).tolist():
            yield number, slice(int(cuts[number]), int(cuts[number + 1]))


def read_entries(shard: DedupShard, columns: list[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The first row and the wanted columns of each batch of entries."""
    start = 0
    with pq.ParquetFile(shard.entries) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False):
            yield start, batch
            start += batch.num_rows


def fixed(column: pa.Array, dtype: type[np.generic]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A fixed-size binary column as a matrix of numbers, and which rows are not NULL."""
    width = column.type.byte_width // np.dtype(dtype).itemsize
    if len(column) == 0:
        return np.empty((0, width), dtype), np.empty(0, np.bool_)
    values = np.frombuffer(
        column.buffers()[1], dtype, width * len(column), column.offset * column.type.byte_width
    )
    matrix = values.reshape(len(column), width)
    matrix.flags.writeable = False
    return matrix, column.is_valid().to_numpy(zero_copy_only=False)


def write_preferences(layout: Layout, number: int, shard: DedupShard) -> None:
    """Writes a shard's preference columns as one float64 matrix; frozen documents get minus infinity."""
    matrix = np.full((shard.rows, len(layout.preferences)), -np.inf)
    if not shard.frozen and layout.preferences:
        table = pq.read_table(shard.entries, columns=list(layout.preferences), use_threads=False)
        for index, name in enumerate(layout.preferences):
            values = table.column(name).cast(pa.float64()).fill_null(np.inf).to_numpy()
            matrix[:, index] = np.where(np.isnan(values), np.inf, values)
    spill.save(layout.file("preferences", number), matrix)


def preferred_order(
    layout: Layout, documents: NDArray[np.int64], group: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Indices that sort documents by group, if given, and the best first within it."""
    columns: list[NDArray[np.float64]] = []
    if layout.preferences:
        ascending = np.argsort(documents, kind="stable")
        there = documents[ascending]
        matrix = np.empty((len(documents), len(layout.preferences)))
        for number, part in layout.by_shard(there):
            rows = there[part] - layout.starts[number]
            matrix[ascending[part]] = spill.load(layout.file("preferences", number))[rows]
        columns = list(matrix.T[::-1])
    return np.lexsort((documents, *columns, *([group] if group is not None else [])))


def signatures(layout: Layout, documents: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Signatures of documents (those with one that came into bands), uint32 (documents, num_perm)."""
    ascending = np.argsort(documents, kind="stable")
    there = documents[ascending]
    found = np.empty((len(documents), layout.num_perm), np.uint32)
    for number, part in layout.by_shard(there):
        rows = spill.load(layout.file("signed", number))
        matrix = spill.load_raw(layout.file("signatures", number), np.uint32, layout.num_perm)
        found[ascending[part]] = matrix[np.searchsorted(rows, there[part] - layout.starts[number])]
    return found
