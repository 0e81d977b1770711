"""Where the documents of a dedup are: one number each, the stretches they are read in, and the files between units.

Documents are numbered through all rows of all shards, frozen shards first. The order in which they are preferred is:
frozen before others, then the preference columns (smaller first, not measured last), then the number, which is trust
order and then row. A stretch is consecutive numbers, cut without regard to shards; its entries are read in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_scratch, remove_tree
from refinery.storage.tables import open_table, read_rows
from refinery.text.batch import TextBatch

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
    """A shard as the verb sees it: Parquet files of refinery's own with a row for each of its documents.

    entries: `prefer_0`, `prefer_1` ... (the smaller the better, NULL and NaN last) and `stands` (bool; without it all
    documents stand). content: where column `content` is (16 bytes, NULL allowed), signature: where column `signature`
    is (4 * num_perm bytes, NULL allowed); None: in the entries. documents: what `read_texts` is given with row
    numbers of the shard. frozen: an earlier corpus, always kept. name: what a user knows the shard by, source: of
    which it is, and standing: its documents here that stand, for the guard against clusters that eat a source.
    """

    entries: Place
    documents: Any
    frozen: bool
    rows: int
    name: str = ""
    source: str = ""
    standing: int | None = None
    content: Place | None = None
    signature: Place | None = None


@dataclass(frozen=True)
class Piece:
    """Rows start:stop of a shard, of which the first is the document of number `document`; source: its number."""

    shard: DedupShard
    source: int
    document: int
    start: int
    stop: int


@dataclass(frozen=True)
class Layout:
    """How documents are numbered, and the folder of the files between units; the same for every unit.

    total: documents, of which those below `frozen` are frozen; stretch_documents: of each stretch but the last;
    preferences: names of the preference columns, most important first; range_bytes: of a unit's records.
    """

    work: Place
    total: int
    frozen: int
    preferences: tuple[str, ...]
    num_perm: int
    stretch_documents: int
    range_bytes: int

    @property
    def stretches(self) -> int:
        """Number of stretches."""
        return -(-self.total // self.stretch_documents)

    def stretch_of(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """The stretch of each document."""
        return documents // self.stretch_documents

    def file(self, kind: str, number: int) -> Place:
        """The file of this kind that a unit has."""
        return self.work / kind / f"{number:06}.spill"

    def files(self, kind: str, count: int) -> list[Place]:
        """The files of this kind, of all its units."""
        return [self.file(kind, number) for number in range(count)]

    def open(self, *kinds: str) -> None:
        """Makes room for files of these kinds; what an earlier run left is removed."""
        for kind in kinds:
            remove_tree(self.work / kind)
            make_directory(self.work / kind)

    def remove(self, *kinds: str) -> None:
        """Removes the files of these kinds."""
        for kind in kinds:
            remove_scratch(self.work / kind)

    def with_preferences(self, *fields: tuple[Any, ...]) -> np.dtype[Any]:
        """A record of these fields and `prefer`, the preference columns as float64."""
        return np.dtype([*fields, ("prefer", np.float64, (len(self.preferences),))])


def cut_into_stretches(shards: Sequence[DedupShard], layout: Layout) -> list[tuple[Piece, ...]]:
    """For each stretch the pieces of shards that it reads, in order."""
    stretches: list[list[Piece]] = [[] for _ in range(layout.stretches)]
    sources = list(dict.fromkeys(shard.source for shard in shards))
    document = 0
    for shard in shards:
        row = 0
        while row < shard.rows:
            stretch = (document + row) // layout.stretch_documents
            stop = min(shard.rows, (stretch + 1) * layout.stretch_documents - document)
            stretches[stretch].append(Piece(shard, sources.index(shard.source), document + row, row, stop))
            row = stop
        document += shard.rows
    return [tuple(pieces) for pieces in stretches]


def read_column(piece: Piece, name: str) -> Iterator[tuple[int, pa.Array]]:
    """The first document and the values of each batch of a piece's column `content` or `signature`."""
    place = (piece.shard.content if name == "content" else piece.shard.signature) or piece.shard.entries
    for row, batch in read_rows(place, [name], piece.start, piece.stop):
        yield piece.document + row - piece.start, batch.column(0)


def read_entries(layout: Layout, pieces: tuple[Piece, ...]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Of a stretch's documents: which stand, and their preferences (documents, columns); minus infinity if frozen."""
    size = pieces[-1].document + pieces[-1].stop - pieces[-1].start - pieces[0].document
    stands = np.ones(size, np.bool_)
    prefer = np.full((size, len(layout.preferences)), -np.inf)
    for piece in pieces:
        first = piece.document - pieces[0].document - piece.start
        with open_table(piece.shard.entries) as file:
            names = set(file.schema_arrow.names)
        columns = [n for n in ("stands", *layout.preferences) if n in names]
        for row, batch in read_rows(piece.shard.entries, columns, piece.start, piece.stop) if columns else ():
            at = first + row
            for name, column in zip(columns, batch.columns, strict=True):
                if name == "stands":
                    stands[at : at + len(column)] = column.to_numpy(zero_copy_only=False)
                elif not piece.shard.frozen:
                    values = column.cast(pa.float64()).fill_null(np.inf).to_numpy(zero_copy_only=False)
                    index = layout.preferences.index(name)
                    prefer[at : at + len(column), index] = np.where(np.isnan(values), np.inf, values)
    return stands, prefer


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


def preferred_order(records: NDArray[Any], *groups: NDArray[Any]) -> NDArray[np.int64]:
    """Indices that sort records by groups, the last the most important, and the preferred document first in each."""
    order: NDArray[np.int64] = np.lexsort((records["document"], *records["prefer"].T[::-1], *groups))
    return order


def shared_keys(sorted_keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the sorted keys stand beside an equal one."""
    same = sorted_keys[1:] == sorted_keys[:-1]
    found = np.zeros(len(sorted_keys), np.bool_)
    found[1:] = same
    found[:-1] |= same
    return found


def starts_of(*sorted_keys: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a new group begins, in keys by which the records are sorted."""
    first = np.ones(len(sorted_keys[0]), np.bool_)
    if len(first):
        first[1:] = np.logical_or.reduce([keys[1:] != keys[:-1] for keys in sorted_keys])
    return first
