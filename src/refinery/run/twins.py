"""The verb files of dedup: each removed document with the place and id of its kept duplicate, which lie in its shard.

A partition of documents requests the names of those kept for its own, the partitions of those answer, and each
partition writes its shards' verb files; so no shard's list is opened more than once by a unit, and memory is that of
a partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup.copies import REQUEST
from refinery.dedup.corpus import Corpus, read_rows
from refinery.plan.plan import PlannedShard
from refinery.run.decide import DROPPED
from refinery.run.ids import id_texts
from refinery.shuffle.records import Records, Tables
from refinery.shuffle.units import MapUnits
from refinery.storage.place import Place
from refinery.storage.write import TableWriter

if TYPE_CHECKING:
    from refinery.dedup.run import DedupResult

NAMES = pa.schema(
    [
        ("document", pa.int64()),  # its number in the dedup
        ("source", pa.string()),
        ("path", pa.string()),
        ("part", pa.int32()),
        ("row", pa.int64()),
        ("id", pa.string()),
    ]
)


@dataclass(frozen=True)
class Numbered:
    """A shard, of which the first document has the number `start` and the one after the last `stop`."""

    planned: PlannedShard
    start: int
    stop: int


@dataclass(frozen=True)
class NamesUnit:
    """A partition of documents, and the shards that have documents in it."""

    number: int
    shards: tuple[Numbered, ...]


@dataclass(frozen=True)
class DroppedUnit:
    """Shards whose verb files are written, all that begin in one partition of documents."""

    shards: tuple[Numbered, ...]
    key: str


def name_kept(
    result: DedupResult, planned: Sequence[PlannedShard], folder: Place, map_units: MapUnits
) -> Tables:
    """The place and the id of every kept duplicate, by the partition of documents that asks for it."""
    corpus = result.corpus
    count = corpus.partitions
    names = Tables.create(folder / "names", NAMES, partitions=count, writers=count)
    with Records.create(folder / "requests", REQUEST, partitions=count, writers=count) as requests:
        map_units(
            "dedup request names", partial(request_names, corpus, result.removed, requests), range(count)
        )
        found: list[list[Numbered]] = [[] for _ in range(count)]
        for shard in _numbered(result, planned):
            if shard.stop > shard.start:
                first, last = corpus.partition_of(np.array([shard.start, shard.stop - 1])).tolist()
                for partition in range(first, last + 1):
                    found[partition].append(shard)
        units = [NamesUnit(n, tuple(here)) for n, here in enumerate(found)]
        map_units("dedup answer names", partial(answer_names, requests, names), units)
    return names


def write_dropped(
    result: DedupResult, planned: Sequence[PlannedShard], names: Tables, key: str, map_units: MapUnits
) -> None:
    """Writes the verb file of every shard but those of an earlier corpus."""
    groups: dict[int, list[Numbered]] = {}
    for shard in _numbered(result, planned):
        if shard.start >= result.corpus.earlier:
            groups.setdefault(shard.start // result.corpus.partition_documents, []).append(shard)
    units = [DroppedUnit(tuple(shards), key) for shards in groups.values()]
    map_units("dedup dropped", partial(write_verb_files, result.corpus, result.removed, names), units)


def _numbered(result: DedupResult, planned: Sequence[PlannedShard]) -> list[Numbered]:
    starts = result.starts.tolist()
    return [
        Numbered(planned[n], start, stop)
        for n, start, stop in zip(result.given, starts[:-1], starts[1:], strict=True)
    ]


def request_names(corpus: Corpus, removed: Records, requests: Records, partition: int) -> None:
    """Writes which documents are kept for those of a partition, by their partition."""
    kept = np.unique(removed.read_written(partition)["kept"])
    records = np.empty(len(kept), REQUEST)
    records["document"], records["partition"] = kept, partition
    requests.write(partition, records, corpus.partition_of(kept))


def answer_names(requests: Records, names: Tables, unit: NamesUnit) -> None:
    """Writes the names of a partition's documents that are asked for, for each that asked."""
    asked = requests.read(unit.number)
    wanted = np.unique(asked["document"])
    tables = [NAMES.empty_table()]
    for shard in unit.shards:
        low, high = np.searchsorted(wanted, [shard.start, shard.stop])
        if low < high:
            tables.append(_names(shard, wanted[low:high]))
    found = pa.concat_tables(tables).combine_chunks()
    rows = pa.array(np.searchsorted(wanted, asked["document"]))
    names.write(unit.number, found.take(rows), asked["partition"])


def _names(shard: Numbered, documents: NDArray[np.int64]) -> pa.Table:
    first, last = int(documents[0]) - shard.start, int(documents[-1]) - shard.start
    found = []
    for row, batch in read_rows(shard.planned.documents_file, ["row", "id"], first, last + 1):
        low, high = np.searchsorted(documents, [shard.start + row, shard.start + row + batch.num_rows])
        found.append(batch.take(pa.array(documents[low:high] - shard.start - row)))
    listing = pa.Table.from_batches(found)
    size = len(documents)
    planned = shard.planned
    return pa.Table.from_arrays(
        [
            pa.array(documents),
            pa.repeat(pa.scalar(planned.spec.name, pa.string()), size),
            pa.repeat(pa.scalar(planned.shard.relative_path, pa.string()), size),
            pa.repeat(pa.scalar(planned.shard.part, pa.int32()), size),
            listing.column("row").cast(pa.int64()),
            id_texts(listing.column("id")),
        ],
        schema=NAMES,
    )


def write_verb_files(corpus: Corpus, removed: Records, names: Tables, unit: DroppedUnit) -> None:
    """Writes the shards' removed documents with the rule, the kept duplicate and the similarity."""

    @lru_cache(maxsize=1)
    def of_partition(number: int) -> tuple[NDArray[np.void], pa.Table]:
        records = removed.read_written(number)
        return records, _dropped(corpus.earlier, records, names.read(number))

    size = corpus.partition_documents
    for shard in unit.shards:
        with TableWriter(shard.planned.verb_file(unit.key), DROPPED, scratch=True) as writer:
            for number in (
                range(shard.start // size, -(-shard.stop // size)) if shard.stop > shard.start else ()
            ):
                records, table = of_partition(number)
                low, high = (int(n) for n in np.searchsorted(records["document"], [shard.start, shard.stop]))
                if low < high:
                    document = pa.array(records["document"][low:high] - shard.start)
                    writer.write(table.slice(low, high - low).set_column(0, DROPPED.field(0), document))


def _dropped(earlier: int, removed: NDArray[np.void], names: pa.Table) -> pa.Table:
    """A partition's removed documents as rows of DROPPED, numbered through all shards."""
    names = names.combine_chunks().sort_by("document")
    found = names.take(pa.array(np.searchsorted(names.column("document").to_numpy(), removed["kept"])))
    rules = pa.array(["dedup.against", "dedup.near", "dedup.exact"], pa.string())
    rule = np.where(removed["kept"] < earlier, 0, np.where(removed["near"], 1, 2))
    columns = [pa.array(removed["document"]), rules.take(pa.array(rule))]
    columns += [found.column(name) for name in NAMES.names[1:]]
    return pa.Table.from_arrays([*columns, pa.array(removed["similarity"])], schema=DROPPED)
