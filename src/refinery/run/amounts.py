"""How much text a run meets where, before it begins.

What has been read is known. What has not is as much as its files have bytes, or has the share of them that the read
files of its source have. How many documents that is, Parquet and files of a document each tell; others have documents
as long as those that were read of the source, or as the first ones of some files. To a stage comes what came in the
last run, in proportion; to one that has never run, all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from refinery.errors import InputError, StorageError
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.decide import StageTally
from refinery.run.history import past_runs
from refinery.run.manifest import Manifest
from refinery.run.records import ShardRecord, read_kept_records
from refinery.sources.documents import Shard
from refinery.sources.formats import DOCUMENT_FILES
from refinery.sources.read import read_documents

_COMPRESSED, EXPANSION = re.compile(r"\.(gz|tgz|zst|bz2|xz|lz4|zip)$"), 3.0
_OF_PAGES = {"warc": 0.25, "html": 0.2}  # text of a byte
DOCUMENT_BYTES = 3000  # of text, where none can be read
_HEADS, _HEAD_BYTES = 4, 256 * 2**10  # files whose first documents are read, and how much text of each


class Amount(NamedTuple):
    """So many documents, with so many bytes of text."""

    documents: float
    bytes: float


@dataclass(frozen=True)
class Amounts:
    """shards: by number; arriving, kept: by stage; a source is in `kept`; written: by output, repeats each time."""

    shards: Mapping[int, Amount]
    arriving: Mapping[str, Amount]
    kept: Mapping[str, Amount]
    written: Mapping[str, Amount]


def amounts_of(plan: Plan) -> Amounts:
    """What a run of the plan is to meet."""
    records = read_kept_records(plan)
    shards: dict[int, Amount] = {}
    for source in plan.listed:
        shards |= _of_source(plan, source, records)
    kept = {source: _sum(shards[planned.number] for planned in plan.of(source)) for source in plan.listed}
    last = past_runs(plan.work, plan.graph.name)[-1:]
    tallies = {name: one for run in last for m in run.outputs.values() for name, one in m.stages.items()}
    arriving: dict[str, Amount] = {}
    for name, stage in plan.graph.stages.items():
        arriving[name] = _sum(kept[parent] for parent in stage.parents)
        kept[name] = _kept(arriving[name], tallies.get(name))
    written = {
        name: _written(kept[plan.graph.stage_of(name).name], [run.outputs.get(name) for run in last])
        for name in plan.graph.outputs
    }
    return Amounts(shards, arriving, kept, written)


def _of_source(plan: Plan, source: str, records: Mapping[int, ShardRecord]) -> dict[int, Amount]:
    shards = plan.of(source)
    found = {p.number: records[p.number] for p in shards if p.number in records}
    read = sum(p.shard.bytes for p in shards if p.number in records)
    share = sum(record.bytes for record in found.values()) / read if read else None
    documents = sum(record.documents for record in found.values())
    if documents:
        each = max(sum(record.bytes for record in found.values()) / documents, 1)
    else:
        each = _of_a_document(plan, source)
    amounts = {}
    for planned in shards:
        if record := found.get(planned.number):
            amounts[planned.number] = Amount(record.documents, record.bytes)
        else:
            size = planned.shard.bytes * (_text_of_a_byte(planned.shard) if share is None else share)
            known = _documents_of(planned)
            amounts[planned.number] = Amount(size / each if known is None else known, size)
    return amounts


def _of_a_document(plan: Plan, source: str) -> float:
    """Bytes that the files of a source have for a document, by the first ones of some, of a short file by all."""
    spec = replace(plan.of(source)[0].spec, joins=())
    spec = replace(spec, where=None) if plan.graph.joins(source) else spec
    unknown = [shard for shard in plan.listed[source].unpacked() if _is_unknown(shard)]
    documents, size = 0, 0.0
    for shard in unknown[:: -(-len(unknown) // _HEADS) or 1]:
        with suppress(InputError, StorageError):  # a file that cannot be read is told where it is measured
            batches = read_documents(shard, spec, batch_bytes=_HEAD_BYTES)
            first = next(batches, None)
            whole = next(batches, None) is None
            documents += len(first.rows) if first else 0
            size += shard.bytes * _text_of_a_byte(shard) if whole or not first else first.text.nbytes
    return max(size / documents, 1) if documents else DOCUMENT_BYTES


def _is_unknown(shard: Shard) -> bool:
    """Whether how many documents it has is unknown and soon looked at: to extract pages takes long."""
    return shard.rows is None and shard.format not in {*DOCUMENT_FILES, *_OF_PAGES} and not shard.part


def _documents_of(planned: PlannedShard) -> int | None:
    """How many a shard has, as far as its files tell before they are read."""
    shard = planned.shard
    if shard.format in DOCUMENT_FILES:
        rows: int | None = shard.pack.count if shard.pack else 1
    else:
        rows = shard.rows
    return rows if rows is None or not shard.limit else min(rows, shard.limit)


def _text_of_a_byte(shard: Shard) -> float:
    """Parquet's bytes are those of the data without compression."""
    compressed = shard.format != "parquet" and _COMPRESSED.search(shard.path)
    return _OF_PAGES.get(shard.format, 1.0) * (EXPANSION if compressed else 1.0)


def _kept(arriving: Amount, last: StageTally | None) -> Amount:
    if last is None or not last.arrived.documents:
        return arriving
    return Amount(*(now * _share(last, field) for now, field in zip(arriving, Amount._fields, strict=True)))


def _written(kept: Amount, last: Sequence[Manifest | None]) -> Amount:
    """With what is repeated, as in the last run, if there was one."""
    found = next((one for one in last if one and one.kept.bytes), None)
    if found is None:
        return kept
    more = (getattr(found.written, name) / getattr(found.kept, name) for name in Amount._fields)
    return Amount(*(now * times for now, times in zip(kept, more, strict=True)))


def _share(last: StageTally, field: str) -> float:
    kept, arrived = (getattr(tally, field) for tally in (last.kept, last.arrived))
    return kept / arrived if arrived else 0.0


def _sum(amounts: Iterable[Amount]) -> Amount:
    found = list(amounts)
    return Amount(sum(one.documents for one in found), sum(one.bytes for one in found))
