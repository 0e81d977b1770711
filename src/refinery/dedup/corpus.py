"""The documents of a dedup: one number each, the partitions they are read in, the order in which they are preferred.

Documents are numbered through all rows of all shards, those of an earlier corpus first. The order in which they are
preferred is: an earlier corpus before others, then the preference columns (smaller first, not measured last), then
the number, which is trust order and then row. A partition of documents is consecutive numbers, without regard to
shards; its entries are read in one go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.shuffle.partition import partition_bytes
from refinery.shuffle.records import Records
from refinery.sources.documents import ShardDocuments
from refinery.storage.marks import KEPT
from refinery.storage.place import Place
from refinery.storage.tables import open_table, read_rows
from refinery.storage.write import TableWriter

LEAST_DOCUMENTS = 1024  # of a partition of documents, however small those of keys
KEY_BYTES = 16  # of a band's key and its document


@dataclass(frozen=True)
class DedupShard:
    """A shard's documents, and Parquet files of refinery's own with a row for each of them.

    entries: `arrives` (bool), `prefer_0`, `prefer_1` ... (keys of filters.ranking), `by` (16 bytes, NULL allowed),
    `within` (16 bytes). content: where column `content` is (16 bytes, NULL allowed), signature: where column
    `signature` is (4 * num_perm bytes, NULL allowed); None: in the entries.
    """

    documents: ShardDocuments
    entries: Place
    content: Place | None = None
    signature: Place | None = None

    @property
    def settled(self) -> Place | None:
        """Where similarities are kept that its texts told, see dedup.settled; None: they are not."""
        if self.signature is None or self.content is None:
            return None
        return self.signature.with_suffix(KEPT)


def entries_of(shards: Sequence[ShardDocuments], work: Place, *, exact: bool, near: bool) -> list[DedupShard]:
    """Shards with files of entries in `work`; exact, near: whether key texts and shingles are compared."""
    return [
        DedupShard(
            shard,
            work / f"entries-{n:06}.parquet",
            shard.measured("content") if exact else None,
            shard.measured("signature") if near else None,
        )
        for n, shard in enumerate(shards)
    ]


def write_entries(unit: DedupShard, columns: Mapping[str, object]) -> None:
    """Writes a shard's entries: which documents come to the verb, and these columns."""
    batch = pa.RecordBatch.from_pydict({"arrives": unit.documents.arrives(), **columns})
    with TableWriter(unit.entries, batch.schema, scratch=True) as writer:
        writer.write(batch)


@dataclass(frozen=True)
class ShardRows:
    """Rows start:stop of a shard, of which the first is the document of number `document`; source: its number."""

    shard: DedupShard
    source: int
    document: int
    start: int
    stop: int


@dataclass(frozen=True)
class Partition:
    """The documents first:stop, and the rows of shards that they are, in order."""

    number: int
    first: int
    stop: int
    rows: tuple[ShardRows, ...]


@dataclass(frozen=True)
class Corpus:
    """How documents are numbered and partitioned, and the folder of all records; the same for every unit.

    documents: of all, of which those below `earlier` are an earlier corpus's; preferences: names of the preference
    columns, most important first; partition_documents: of each partition of documents but the last;
    partition_bytes: of a partition of records; within: near duplicates are sought among documents with one key;
    texts: edges tell the digest of the preferred text, by which similarities are kept.
    """

    work: Place
    documents: int
    earlier: int
    preferences: tuple[str, ...]
    num_perm: int
    partition_documents: int
    partition_bytes: int
    within: bool = False
    texts: bool = False

    @property
    def partitions(self) -> int:
        """Partitions of documents; at least one."""
        return max(1, -(-self.documents // self.partition_documents))

    def partition_of(self, documents: NDArray[np.int64]) -> NDArray[np.int64]:
        """The partition of each document."""
        return documents // self.partition_documents

    def records(self, name: str, dtype: np.dtype[Any], *, partitions: int = 1, writers: int = 0) -> Records:
        """Makes room for records; writers: as many as partitions of documents if not given."""
        return Records.create(
            self.work / name,
            dtype,
            partitions=partitions,
            writers=writers or self.partitions,
            block_bytes=self.partition_bytes,
        )

    @property
    def text(self) -> list[tuple[Any, ...]]:
        """The field with the digest of a text, in what tells it."""
        return [("text", np.uint64, (2,))] * self.texts

    def with_preferences(self, *fields: tuple[Any, ...]) -> np.dtype[Any]:
        """A record of these fields and `prefer`, the preference columns as keys, see filters.ranking."""
        return np.dtype([*fields, ("prefer", np.uint64, (len(self.preferences),))])


def make_corpus(shards: Sequence[DedupShard], num_perm: int, keys: int, work: Place) -> Corpus:
    """Numbers the documents of shards, those of an earlier corpus first; keys: of each document, at most."""
    documents = sum(shard.documents.rows for shard in shards)
    size = partition_bytes(documents * keys, KEY_BYTES)
    columns: list[str] = []
    if shards:
        with open_table(shards[-1].entries) as file:
            columns = file.schema_arrow.names
    names = [name for name in columns if name.startswith("prefer_")]
    return Corpus(
        work,
        documents,
        sum(shard.documents.rows for shard in shards if shard.documents.earlier),
        tuple(sorted(names, key=lambda name: int(name.removeprefix("prefer_")))),
        num_perm,
        max(size // (keys * KEY_BYTES), LEAST_DOCUMENTS),
        size,
        "within" in columns,
        num_perm > 0 and all(shard.settled is not None for shard in shards),
    )


def partition_rows(shards: Sequence[DedupShard], corpus: Corpus) -> list[Partition]:
    """The partitions of documents, each with the rows of shards that it has."""
    size = corpus.partition_documents
    found: list[list[ShardRows]] = [[] for _ in range(corpus.partitions)]
    sources = {
        source: n for n, source in enumerate(dict.fromkeys(shard.documents.source for shard in shards))
    }
    document = 0
    for shard in shards:
        row, count, source = 0, shard.documents.rows, sources[shard.documents.source]
        while row < count:
            number = (document + row) // size
            stop = min(count, (number + 1) * size - document)
            found[number].append(ShardRows(shard, source, document + row, row, stop))
            row = stop
        document += count
    return [
        Partition(n, n * size, min((n + 1) * size, document), tuple(rows)) for n, rows in enumerate(found)
    ]


def read_column(partition: Partition, name: str) -> Iterator[tuple[int, pa.Array]]:
    """The first document and the values of each batch of one of a partition's columns of keys."""
    for rows in partition.rows:
        shard = rows.shard
        place = {"content": shard.content, "signature": shard.signature}.get(name) or shard.entries
        for row, batch in read_rows(place, [name], rows.start, rows.stop):
            yield rows.document + row - rows.start, batch.column(0)


def read_entries(corpus: Corpus, partition: Partition) -> tuple[NDArray[np.bool_], NDArray[np.uint64]]:
    """Of a partition's documents: which arrive, and their preferences (documents, columns).

    Those of an earlier corpus are 0.
    """
    size = partition.stop - partition.first
    arrives = np.empty(size, np.bool_)
    prefer = np.zeros((size, len(corpus.preferences)), np.uint64)
    for rows in partition.rows:
        columns = ["arrives", *(() if rows.shard.documents.earlier else corpus.preferences)]
        for row, batch in read_rows(rows.shard.entries, columns, rows.start, rows.stop):
            at = rows.document - partition.first + row - rows.start
            here = slice(at, at + batch.num_rows)
            arrives[here] = batch.column(0).to_numpy(zero_copy_only=False)
            for number, keys in enumerate(batch.columns[1:]):
                prefer[here, number] = keys.to_numpy()
    return arrives, prefer


def read_within(corpus: Corpus, partition: Partition) -> NDArray[np.uint64] | None:
    """Of a partition's documents the keys (documents, 2) that near duplicates must share; None: all are compared."""
    if not corpus.within:
        return None
    found = [as_matrix(values, np.uint64)[0] for _, values in read_column(partition, "within")]
    return np.concatenate([np.empty((0, 2), np.uint64), *found])


def read_texts(corpus: Corpus, partition: Partition) -> NDArray[np.uint64] | None:
    """Of a partition's documents the digests of their texts (documents, 2); None: nobody tells them."""
    if not corpus.texts:
        return None
    found = [as_matrix(values, np.uint64)[0] for _, values in read_column(partition, "content")]
    return np.concatenate([np.empty((0, 2), np.uint64), *found])


def as_matrix(column: pa.Array, dtype: type[np.generic]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
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
