"""The verb files of dedup: each removed document with its twin's place and id, which lie in the twin's shard.

A stretch of documents requests the names of its twins, the stretches of those answer, and each stretch writes its
shards' verb files; so no shard's list is opened more than once by a unit, and memory is that of a stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.dedup import spill
from refinery.dedup.fates import REQUEST, RESULT
from refinery.dedup.layout import read_rows
from refinery.plan.plan import PlannedShard
from refinery.run.decide import DROPPED
from refinery.storage.commit import make_directory
from refinery.storage.ids import listed
from refinery.storage.place import Place
from refinery.storage.write import TableWriter
from refinery.units import MapUnits

if TYPE_CHECKING:
    from refinery.dedup.run import DedupResult

BYTES = np.dtype(np.uint8)
NAMES = pa.schema(
    [
        ("document", pa.int64()),  # its number in the dedup
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
class Named:
    """Where requests for twins' names and the names lie; there are `stretches`, of `stretch_documents` each."""

    requests: Place
    names: Place
    stretches: int
    stretch_documents: int

    def files(self, folder: Place) -> list[Place]:
        """The file of each stretch."""
        return [folder / f"{number:06}.spill" for number in range(self.stretches)]


@dataclass(frozen=True)
class RequestUnit:
    """A stretch's removed documents, in `removed`."""

    named: Named
    number: int
    removed: Place


@dataclass(frozen=True)
class NamesUnit:
    """A stretch, and the shards that have documents in it."""

    named: Named
    number: int
    shards: tuple[Numbered, ...]


@dataclass(frozen=True)
class DroppedUnit:
    """Shards whose verb files are written; removed: the removed documents of the stretches from `first` on."""

    named: Named
    shards: tuple[Numbered, ...]
    first: int
    removed: tuple[Place, ...]
    key: str
    frozen: int  # documents below are an earlier corpus's


def name_twins(
    result: DedupResult, planned: Sequence[PlannedShard], folder: Place, map_units: MapUnits
) -> Named:
    """Looks up the place and the id of every twin; what is found lies in `folder`."""
    named = Named(folder / "requests", folder / "names", len(result.files), result.stretch_documents)
    for place in (named.requests, named.names):
        make_directory(place)
    units = [RequestUnit(named, n, removed) for n, removed in enumerate(result.files)]
    map_units("dedup request names", request_names, units)
    shards = _numbered(result, planned)
    by_stretch: list[list[Numbered]] = [[] for _ in result.files]
    for shard in shards:
        if shard.stop > shard.start:
            for stretch in range(
                shard.start // result.stretch_documents, (shard.stop - 1) // result.stretch_documents + 1
            ):
                by_stretch[stretch].append(shard)
    answers = [NamesUnit(named, n, tuple(here)) for n, here in enumerate(by_stretch)]
    map_units("dedup answer names", answer_names, answers)
    return named


def write_dropped(
    result: DedupResult,
    planned: Sequence[PlannedShard],
    named: Named,
    key: str,
    frozen: int,
    map_units: MapUnits,
) -> None:
    """Writes the verb file of every shard but those of an earlier corpus."""
    groups: dict[int, list[Numbered]] = {}
    for shard in _numbered(result, planned):
        if shard.start >= frozen:
            groups.setdefault(shard.start // result.stretch_documents, []).append(shard)
    units = []
    for first, shards in groups.items():
        last = max(-(-shards[-1].stop // result.stretch_documents), first)
        units.append(DroppedUnit(named, tuple(shards), first, result.files[first:last], key, frozen))
    map_units("dedup dropped", write_verb_files, units)


def _numbered(result: DedupResult, planned: Sequence[PlannedShard]) -> list[Numbered]:
    starts = result.starts.tolist()
    return [
        Numbered(planned[n], start, stop)
        for n, start, stop in zip(result.given, starts[:-1], starts[1:], strict=True)
    ]


def request_names(unit: RequestUnit) -> None:
    """Writes which twins a stretch has, cut by their stretch."""
    twins = np.unique(spill.load(unit.removed, RESULT)["twin"])
    requests = np.empty(len(twins), REQUEST)
    requests["document"], requests["stretch"] = twins, unit.number
    named = unit.named
    place = named.requests / f"{unit.number:06}.spill"
    spill.write_cut(place, requests, twins // named.stretch_documents, named.stretches)


def answer_names(unit: NamesUnit) -> None:
    """Writes the names of the stretch's documents that are twins, a table for each request."""
    named = unit.named
    requests = spill.read_cut(named.files(named.requests), REQUEST, named.stretches, unit.number)
    wanted = np.unique(requests["document"])
    tables = [NAMES.empty_table()]
    for shard in unit.shards:
        low, high = np.searchsorted(wanted, [shard.start, shard.stop])
        if low < high:
            tables.append(_names(shard, wanted[low:high]))
    names = pa.concat_tables(tables).combine_chunks()
    blobs = []
    for stretch in range(named.stretches):
        here = np.searchsorted(wanted, requests["document"][requests["stretch"] == stretch])
        blobs.append(_packed(names.take(pa.array(here))) if len(here) else b"")
    spill.write_blobs(named.names / f"{unit.number:06}.spill", blobs)


def _names(shard: Numbered, documents: NDArray[np.int64]) -> pa.Table:
    first, last = int(documents[0]) - shard.start, int(documents[-1]) - shard.start
    found = []
    for row, batch in read_rows(shard.planned.documents_file, ["row", "id", "minted"], first, last + 1):
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
            *listed(planned.shard, listing),
        ],
        schema=NAMES,
    )


def _packed(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def write_verb_files(unit: DroppedUnit) -> None:
    """Writes the shards' removed documents with the rule, the twin and the similarity."""

    @lru_cache(maxsize=1)
    def of_stretch(stretch: int) -> tuple[NDArray[np.void], pa.Table]:
        removed = spill.load(unit.removed[stretch - unit.first], RESULT)
        return removed, _dropped(unit, stretch, removed)

    size = unit.named.stretch_documents
    for shard in unit.shards:
        with TableWriter(shard.planned.verb_file(unit.key), DROPPED, scratch=True) as writer:
            for stretch in range(shard.start // size, -(-shard.stop // size)):
                removed, table = of_stretch(stretch)
                low, high = (int(n) for n in np.searchsorted(removed["document"], [shard.start, shard.stop]))
                if low < high:
                    document = pa.array(removed["document"][low:high] - shard.start)
                    writer.write(table.slice(low, high - low).set_column(0, DROPPED.field(0), document))


def _dropped(unit: DroppedUnit, stretch: int, removed: NDArray[np.void]) -> pa.Table:
    """A stretch's removed documents as rows of DROPPED, numbered through all shards."""
    named = unit.named
    blobs = spill.each_cut(named.files(named.names), BYTES, named.stretches, stretch)
    tables = [pa.ipc.open_stream(blob.tobytes()).read_all() for blob in blobs]
    names = pa.concat_tables([NAMES.empty_table(), *tables]).combine_chunks().sort_by("document")
    index = pa.array(np.searchsorted(names.column("document").to_numpy(), removed["twin"]))
    twins = names.take(index)
    rules = pa.array(["dedup.against", "dedup.near", "dedup.exact"], pa.string())
    rule = np.where(removed["twin"] < unit.frozen, 0, np.where(removed["near"], 1, 2))
    columns = {
        "document": pa.array(removed["document"]),
        "rule": rules.take(pa.array(rule)),
        **{f"twin_{name}": twins.column(name) for name in ("source", "path", "row", "id")},
        "similarity": pa.array(removed["similarity"]),
    }
    return pa.Table.from_arrays([columns[name] for name in DROPPED.names], schema=DROPPED)
