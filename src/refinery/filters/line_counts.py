"""A count over a source: in how many of its documents each line stands, for lines that stand in many.

Units write the hashes of their shard's lines, each once a document, by hash; partitions add them up. What is stored
are the lines of at least one document in MOST_DOCUMENTS_A_LINE and of two, so that the file holds at most
MOST_DOCUMENTS_A_LINE times a document's lines on the average, however large the source is, and any share above that
is found in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.models.maker import Maker
from refinery.shuffle.partition import partition_bytes, partition_count, partition_of
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place
from refinery.storage.tables import open_table
from refinery.storage.write import TableWriter

DOCUMENTS = "documents"  # the role of what is counted
FILE = "lines.parquet"
MOST_DOCUMENTS_A_LINE = 10_000
COUNTED = frozenset({"documents", "documents_share"})  # columns of lines that are read of it
LINE = np.dtype([("hash", np.uint64), ("documents", np.uint32)])
LINE_BYTES = 32  # of text, about, for the number of partitions
BLOCK_LINES = 1 << 20  # that a unit holds before it adds up those that are equal
_TOTAL = b"documents"  # in the schema's metadata: of the source
_SCHEMA = pa.schema([("hash", pa.uint64()), ("documents", pa.uint32())])


@dataclass(frozen=True)
class LineCounts(Maker):
    """Writes FILE: hash (uint64, ascending) and number of documents (uint32) of each line that stands in many."""

    name: str = "lines"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """None: what share of documents is too many is for the transform to say."""
        return {}

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """A source, which the run names."""
        return {DOCUMENTS: ()}

    def make(
        self,
        inputs: Mapping[str, Sequence[ShardDocuments]],
        map_units: MapUnits,
        folder: Path,
        work: Place,
    ) -> None:
        """Counts the lines of all documents; a unit holds 40 MiB and five partitions, see shuffle.partition."""
        shards = inputs[DOCUMENTS]
        total = sum(shard.arrived for shard in shards)
        lines = sum(shard.bytes for shard in shards) // LINE_BYTES
        size = partition_bytes(lines, LINE.itemsize)
        count = partition_count(lines, LINE, size)
        map_units = partial(map_units, memory=5 * (size + 8 * BLOCK_LINES))
        written = Records.create(
            work / "lines", LINE, partitions=count, writers=len(shards), block_bytes=size
        )
        frequent = Records.create(work / "frequent", LINE, writers=count)
        with written, frequent:
            map_units("count lines", partial(write_lines, written), list(enumerate(shards)))
            add_up = partial(keep_frequent, written, frequent, least_stored(total))
            map_units("add up lines", add_up, range(count))
            _write_file(folder / FILE, frequent, total)


def _write_file(file: Path, frequent: Records, total: int) -> None:
    schema = _SCHEMA.with_metadata({_TOTAL: str(total)})
    with TableWriter(file, schema) as writer:
        for lines in frequent.each():
            columns = [pa.array(lines[name]) for name in _SCHEMA.names]
            writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))


def least_stored(documents: int) -> int:
    """Of a source of so many documents, those that a line stands in at least if its count is stored."""
    return max(2, documents // MOST_DOCUMENTS_A_LINE)


def write_lines(lines: Records, unit: tuple[int, ShardDocuments]) -> None:
    """Writes the counts of a shard's lines by hash; one may be written in several parts."""
    number, shard = unit
    with lines.writer(number) as writer:
        for found in _added_up(shard):
            writer.write(found, partition_of(found["hash"], lines.partitions))


def _added_up(shard: ShardDocuments) -> Iterator[NDArray[np.void]]:
    from refinery.text.repeated_lines import distinct_lines

    waiting: list[NDArray[np.uint64]] = []
    for batch in shard.texts(np.flatnonzero(shard.arrives())):
        waiting.append(distinct_lines(batch))
        if sum(map(len, waiting)) >= BLOCK_LINES:
            yield _counts(waiting)
            waiting = []
    yield _counts(waiting)


def _counts(hashes: Sequence[NDArray[np.uint64]]) -> NDArray[np.void]:
    found = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes]), return_counts=True)
    lines = np.empty(len(found[0]), LINE)
    lines["hash"], lines["documents"] = found
    return lines


def keep_frequent(lines: Records, frequent: Records, least: int, partition: int) -> None:
    """Adds up the counts of a partition and writes those of at least so many documents, by hash."""
    found = lines.read(partition)
    hashes, place = np.unique(found["hash"], return_inverse=True)
    counts = np.bincount(place, found["documents"], len(hashes)).astype(np.uint32)  # exact below 2^53
    chosen = counts >= least
    kept = np.empty(int(chosen.sum()), LINE)
    kept["hash"], kept["documents"] = hashes[chosen], counts[chosen]
    frequent.write(partition, kept)


@dataclass(frozen=True)
class Counted:
    """In how many of a source's documents lines are; hashes: uint64, ascending; documents: int64; total: of all."""

    hashes: NDArray[np.uint64]
    documents: NDArray[np.int64]
    total: int

    def more_than(self, share: float, least: int) -> Counted:
        """The lines that more than a share of the documents hold, and at least so many.

        share: at least 1 / MOST_DOCUMENTS_A_LINE, least: at least 2, since others are not stored.
        """
        chosen = (self.documents > share * self.total) & (self.documents >= least)
        return Counted(self.hashes[chosen], self.documents[chosen], self.total)

    def documents_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """int64: how many documents hold each of these lines, 1 where that is not stored."""
        from refinery.text.repeated_lines import places_of

        places = places_of(hashes, self.hashes)
        known = np.append(self.documents, 1)  # at -1 what is not stored
        return known[places]


def read_counted(file: Path) -> Counted:
    """What LineCounts wrote; raises DamagedFile."""
    with open_table(file) as table:
        total = int(table.schema_arrow.metadata[_TOTAL])
        hashes, documents = [np.empty(0, np.uint64)], [np.empty(0, np.int64)]
        for batch in table.iter_batches(use_threads=False):
            hashes.append(batch.column(0).to_numpy())
            documents.append(batch.column(1).to_numpy().astype(np.int64))
    return Counted(np.concatenate(hashes), np.concatenate(documents), total)
