"""The verb files: each dropped document with its rule and the kept document's place and id, which lie elsewhere.

So are the passages that a verb cut, each with the document for which it went, in a file of their own, and in another
the documents that are written more than once.

Partitions of documents, by number, request the names of the documents that are kept in place of theirs; the
partitions of those answer, and each partition writes the files of the shards that begin in it. So no shard's list is
opened more than once by a unit, and memory is that of a partition. The documents for which most go stand in the
metadata of each file, so that guards judge an outcome that is there as they do a new one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import ConservationError
from refinery.filters.verb import NONE, Outcome, Part, Removal, VerbTable
from refinery.plan.plan import PlannedShard
from refinery.run.decide import DROPPED
from refinery.run.repeats import REPEATS
from refinery.run.texts import CUTS
from refinery.shuffle.records import REQUEST, Records, Tables
from refinery.shuffle.units import MapUnits
from refinery.sources.ids import listed_ids, places_of
from refinery.storage.place import Place
from refinery.storage.tables import read_rows, read_schema, read_table
from refinery.storage.write import TableWriter

NAME_BYTES = 512  # of memory for a dropped document with the kept one's path and id
# Metadata of a verb file.
LARGEST, WARNINGS, PARTS = b"refinery.largest", b"refinery.warnings", b"refinery.parts"
TABLES = b"refinery.tables"
NAMES = pa.schema(
    [
        ("document", pa.int64()),  # its number
        ("source", pa.string()),
        ("path", pa.string()),
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
class PartitionUnit:
    """A partition of the documents, and shards: those with documents in it, or those that begin in it."""

    number: int
    shards: tuple[Numbered, ...]


def write_outcome(
    name: str,
    outcome: Outcome,
    shards: Sequence[Numbered],
    earlier: int,
    key: str,
    map_units: MapUnits,
    work: Place,
    places: Mapping[int, str],
) -> int:
    """Writes the verb file of every shard but the first `earlier` ones, which are an earlier corpus's.

    places: in words, of the documents of `outcome.largest`, by number. Gives the number of dropped documents.
    """
    largest = json.dumps([{**asdict(one), "place": places[one.kept]} for one in outcome.largest])
    told = {LARGEST: largest.encode(), WARNINGS: json.dumps(outcome.warnings).encode()}
    told |= {PARTS: json.dumps([asdict(part) for part in outcome.parts]).encode()} if outcome.parts else {}
    tables = [asdict(one) for one in outcome.tables]
    told |= {TABLES: json.dumps(tables).encode()} if tables else {}
    schema = DROPPED.with_metadata(told)
    count = outcome.dropped.partitions
    map_units = partial(map_units, memory=NAME_BYTES * outcome.partition_documents)
    requests = Records.create(work / "requests", REQUEST, partitions=count, writers=count)
    names = Tables.create(work / "names", NAMES, partitions=count, writers=count)
    with requests, names:
        asked = map_units(f"{name} request names", partial(request_names, outcome, requests), range(count))
        if any(asked):
            units = _partitioned(shards, outcome, whole=False)
            map_units(f"{name} answer names", partial(answer_names, requests, names), units)
        units = _partitioned(shards[earlier:], outcome, whole=True)
        function = partial(write_files, outcome, names if any(asked) else None, key, schema)
        return sum(map_units(f"{name} outcome", function, units))


def read_largest(file: Place) -> list[tuple[Removal, str]]:
    """The documents for which most go, each with its place in words, from one of an outcome's verb files."""
    written = json.loads((read_schema(file).metadata or {}).get(LARGEST, b"[]"))
    places = [one.pop("place") for one in written]
    return [(Removal(**one), place) for one, place in zip(written, places, strict=True)]


def read_warnings(file: Place) -> list[str]:
    """What an outcome warns of, from one of its verb files."""
    found: list[str] = json.loads((read_schema(file).metadata or {}).get(WARNINGS, b"[]"))
    return found


def read_tables(file: Place) -> tuple[VerbTable, ...]:
    """What an outcome tells of itself in tables, from one of its verb files."""
    written = json.loads((read_schema(file).metadata or {}).get(TABLES, b"[]"))
    return tuple(
        VerbTable(one["title"], tuple(one["columns"]), tuple(map(tuple, one["rows"]))) for one in written
    )


def read_parts(file: Place) -> tuple[Part, ...]:
    """The parts that an outcome filled, from one of its verb files."""
    return tuple(Part(**one) for one in json.loads((read_schema(file).metadata or {}).get(PARTS, b"[]")))


def _partitioned(shards: Sequence[Numbered], outcome: Outcome, *, whole: bool) -> list[PartitionUnit]:
    """For each partition the shards that begin in it, or, if not `whole`, all that have documents in it."""
    found: list[list[Numbered]] = [[] for _ in range(outcome.dropped.partitions)]
    size = outcome.partition_documents
    for shard in shards:
        first = min(shard.start // size, len(found) - 1)
        last = first if whole else (shard.stop - 1) // size
        for number in range(first, last + 1):
            found[number].append(shard)
    return [PartitionUnit(number, tuple(here)) for number, here in enumerate(found) if here or not whole]


def request_names(outcome: Outcome, requests: Records, number: int) -> int:
    """Writes which kept documents a partition wants the names of, by their partition; gives their number."""
    kept = outcome.dropped.read(number)["duplicate_of"]
    if outcome.spans:
        kept = np.concatenate([kept, outcome.spans.read(number)["other"]])
    kept = np.unique(kept)
    kept = kept[kept != NONE]
    wanted = np.empty(len(kept), REQUEST)
    wanted["document"], wanted["partition"] = kept, number
    requests.write(number, wanted, kept // outcome.partition_documents)
    return len(kept)


def answer_names(requests: Records, names: Tables, unit: PartitionUnit) -> None:
    """Writes the names of a partition's documents that are asked for, by who asks."""
    asked = requests.read(unit.number)
    wanted = np.unique(asked["document"])
    tables = [NAMES.empty_table()]
    for shard in unit.shards:
        low, high = np.searchsorted(wanted, [shard.start, shard.stop])
        if low < high:
            tables.append(_names(shard, wanted[low:high]))
    at = np.searchsorted(wanted, asked["document"])
    found = pa.concat_tables(tables).combine_chunks().take(pa.array(at))
    names.write(unit.number, found, asked["partition"])


def _names(shard: Numbered, documents: NDArray[np.int64]) -> pa.Table:
    first, last = int(documents[0]) - shard.start, int(documents[-1]) - shard.start
    found = []
    for row, batch in read_rows(shard.planned.documents_file, ["row", "id", "minted"], first, last + 1):
        low, high = np.searchsorted(documents, [shard.start + row, shard.start + row + batch.num_rows])
        found.append(batch.take(pa.array(documents[low:high] - shard.start - row)))
    listing = pa.Table.from_batches(found)
    where = shard.planned.shard
    places = places_of(where, listing.column("row").to_numpy())
    return pa.Table.from_arrays([pa.array(documents), *places, listed_ids(where, listing)], schema=NAMES)


def write_files(
    outcome: Outcome, names: Tables | None, key: str, schema: pa.Schema, unit: PartitionUnit
) -> int:
    """Writes the shards' dropped documents with the rule, the kept document and the similarity; their number.

    First come passages that a verb cut, and repeats: where the dropped ones are known, these are. schema: DROPPED
    with what is told of the whole outcome.
    """

    @lru_cache(maxsize=1)
    def dropped(number: int) -> pa.Table:
        return _dropped(outcome, names, number)

    @lru_cache(maxsize=1)
    def cut(number: int) -> pa.Table:
        return _cut(outcome, names, number)

    @lru_cache(maxsize=1)
    def repeated(number: int) -> pa.Table:
        return _repeated(outcome, number)

    count = 0
    for shard in unit.shards:
        if outcome.spans:
            rows = read_table(shard.planned.documents_file, ["row"]).column(0).to_numpy()
            with TableWriter(shard.planned.cut_file(key), CUTS, scratch=True) as writer:
                for documents, table in _parts_of(shard, outcome, cut):
                    writer.write(table.set_column(0, CUTS.field(0), pa.array(rows[documents])))
        if outcome.repeats:
            with TableWriter(shard.planned.repeats_file(key), REPEATS, scratch=True) as writer:
                for documents, table in _parts_of(shard, outcome, repeated):
                    writer.write(table.set_column(0, REPEATS.field(0), pa.array(documents)))
        with TableWriter(shard.planned.verb_file(key), schema, scratch=True) as writer:
            for documents, table in _parts_of(shard, outcome, dropped):
                writer.write(table.set_column(0, DROPPED.field(0), pa.array(documents)))
                count += len(documents)
    return count


def _parts_of(
    shard: Numbered, outcome: Outcome, of_partition: Callable[[int], pa.Table]
) -> Iterator[tuple[NDArray[np.int64], pa.Table]]:
    """A shard's rows of the tables of partitions, whose first column numbers documents, with those in the shard."""
    size = outcome.partition_documents
    for number in range(shard.start // size, -(-shard.stop // size)):
        table = of_partition(number)
        documents = table.column(0).to_numpy()
        low, high = (int(n) for n in np.searchsorted(documents, [shard.start, shard.stop]))
        if low < high:
            yield documents[low:high] - shard.start, table.slice(low, high - low)


def _kept(names: Tables | None, number: int, documents: NDArray[np.int64]) -> pa.Table:
    """The names of documents that a partition asked for, NULL for NONE."""
    known = (names.read(number) if names else NAMES.empty_table()).combine_chunks().sort_by("document")
    at = np.searchsorted(known.column("document").to_numpy(), documents)
    return known.take(pa.array(at, mask=documents == NONE))


def _cut(outcome: Outcome, names: Tables | None, number: int) -> pa.Table:
    """A partition's passages as rows of CUTS, with documents numbered through all shards in place of rows."""
    if outcome.spans is None:
        return CUTS.empty_table()
    spans = outcome.spans.read(number)
    spans = spans[np.lexsort((spans["start"], spans["document"]))]
    if ((spans["document"][1:] == spans["document"][:-1]) & (spans["start"][1:] < spans["end"][:-1])).any():
        raise ConservationError("a verb cut a text twice in one place; please report this")
    other = _kept(names, number, spans["other"])
    columns = {
        "row": pa.array(spans["document"]),
        "rule": pa.array(outcome.rules, pa.string()).take(pa.array(spans["rule"])),
        **{name: pa.array(spans[name]) for name in ("start", "end", "characters")},
        **{f"other_{name}": other.column(name) for name in ("source", "path", "row", "id")},
    }
    return pa.Table.from_arrays([columns[name] for name in CUTS.names], schema=CUTS)


def _repeated(outcome: Outcome, number: int) -> pa.Table:
    """A partition's documents that are written more than once as rows of REPEATS, numbered through all shards."""
    if outcome.repeats is None:
        return REPEATS.empty_table()
    repeats = outcome.repeats.read(number)
    repeats = repeats[np.argsort(repeats["document"])]
    once = (repeats["document"][1:] == repeats["document"][:-1]).any() or (repeats["repeats"] < 2).any()
    if once or np.isin(repeats["document"], outcome.dropped.read(number)["document"]).any():
        raise ConservationError(
            "a verb repeats a document that it drops or writes once, or counts one twice; please report this"
        )
    return pa.Table.from_arrays([pa.array(repeats[name]) for name in REPEATS.names], schema=REPEATS)


def _dropped(outcome: Outcome, names: Tables | None, number: int) -> pa.Table:
    """A partition's dropped documents as rows of DROPPED, numbered through all shards."""
    dropped = outcome.dropped.read(number)
    dropped = dropped[np.argsort(dropped["document"])]
    kept = _kept(names, number, dropped["duplicate_of"])
    similarity = dropped["similarity"]
    columns = {
        "document": pa.array(dropped["document"]),
        "rule": pa.array(outcome.rules, pa.string()).take(pa.array(dropped["rule"])),
        **{f"duplicate_of_{name}": kept.column(name) for name in ("source", "path", "row", "id")},
        "similarity": pa.array(similarity, mask=np.isnan(similarity)),
    }
    return pa.Table.from_arrays([columns[name] for name in DROPPED.names], schema=DROPPED)
