"""How much text a run meets where, before it begins.

What has been read is known. What has not is as much as its files have bytes, or has the share of them that the read
files of its source have. How many documents that is, Parquet and files of a document each tell; others have documents
as long as those that were read of the source. To a stage comes what came in the last run, in proportion; to one that
has never run, all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from refinery.plan.plan import Plan, PlannedShard
from refinery.run.decide import StageTally
from refinery.run.history import past_runs
from refinery.run.records import ShardRecord, read_kept_records
from refinery.sources.formats import DOCUMENT_FILES

_COMPRESSED, EXPANSION = re.compile(r"\.(gz|tgz|zst|bz2|xz|lz4|zip)$"), 3.0
_OF_PAGES = {"warc": 0.25, "html": 0.2}  # text of a byte
DOCUMENT_BYTES = 3000  # of text, where none has been read


class Amount(NamedTuple):
    """So many documents, with so many bytes of text."""

    documents: float
    bytes: float


@dataclass(frozen=True)
class Amounts:
    """shards: by number; arriving, kept: by stage; a source is in `kept`."""

    shards: Mapping[int, Amount]
    arriving: Mapping[str, Amount]
    kept: Mapping[str, Amount]


def amounts_of(plan: Plan) -> Amounts:
    """What a run of the plan is to meet."""
    records = read_kept_records(plan)
    shards: dict[int, Amount] = {}
    for source in plan.listed:
        shards |= _of_source(plan.of(source), records)
    kept = {source: _sum(shards[planned.number] for planned in plan.of(source)) for source in plan.listed}
    last = past_runs(plan.work, plan.graph.name)[-1:]
    tallies = {name: one for run in last for m in run.outputs.values() for name, one in m.stages.items()}
    arriving: dict[str, Amount] = {}
    for name, stage in plan.graph.stages.items():
        arriving[name] = _sum(kept[parent] for parent in stage.parents)
        kept[name] = _kept(arriving[name], tallies.get(name))
    return Amounts(shards, arriving, kept)


def _of_source(shards: Iterable[PlannedShard], records: Mapping[int, ShardRecord]) -> dict[int, Amount]:
    found = {p.number: records[p.number] for p in shards if p.number in records}
    read = sum(p.shard.bytes for p in shards if p.number in records)
    share = sum(record.bytes for record in found.values()) / read if read else None
    documents = sum(record.documents for record in found.values())
    each = max(sum(record.bytes for record in found.values()) / documents, 1) if documents else DOCUMENT_BYTES
    amounts = {}
    for planned in shards:
        if record := found.get(planned.number):
            amounts[planned.number] = Amount(record.documents, record.bytes)
        else:
            size = planned.shard.bytes * (_text_of_a_byte(planned) if share is None else share)
            known = _documents_of(planned)
            amounts[planned.number] = Amount(size / each if known is None else known, size)
    return amounts


def _documents_of(planned: PlannedShard) -> int | None:
    """How many a shard has, as far as its files tell before they are read."""
    shard = planned.shard
    if shard.format in DOCUMENT_FILES:
        rows: int | None = shard.pack.count if shard.pack else 1
    else:
        rows = shard.rows
    return rows if rows is None or not shard.limit else min(rows, shard.limit)


def _text_of_a_byte(planned: PlannedShard) -> float:
    """Parquet's bytes are those of the data without compression."""
    compressed = planned.shard.format != "parquet" and _COMPRESSED.search(planned.shard.path)
    return _OF_PAGES.get(planned.shard.format, 1.0) * (EXPANSION if compressed else 1.0)


def _kept(arriving: Amount, last: StageTally | None) -> Amount:
    if last is None or not last.arrived.documents:
        return arriving
    return Amount(*(now * _share(last, field) for now, field in zip(arriving, Amount._fields, strict=True)))


def _share(last: StageTally, field: str) -> float:
    kept, arrived = (getattr(tally, field) for tally in (last.kept, last.arrived))
    return kept / arrived if arrived else 0.0


def _sum(amounts: Iterable[Amount]) -> Amount:
    found = list(amounts)
    return Amount(sum(one.documents for one in found), sum(one.bytes for one in found))
