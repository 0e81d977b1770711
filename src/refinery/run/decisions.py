"""The decisions: what became of every row on its way to an output, and the check that none is missing.

They are files of consecutive shards, each written once by one unit: small outputs have one, large ones many that are
written side by side. Where files are cut follows from the numbers of rows alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import ConservationError
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import NamedColumn, find_columns, load_columns
from refinery.run.counts import Counts, Decided, documents_of_parts
from refinery.run.decide import (
    DROPPED,
    KEPT,
    Upstream,
    arrived_documents,
    upstream,
)
from refinery.run.records import ShardRecord
from refinery.run.repeats import repeats_of
from refinery.run.texts import count_cuts
from refinery.sources.ids import listed_ids, places_of
from refinery.storage.arrow_bytes import cuts
from refinery.storage.place import Place
from refinery.storage.tables import read_batches, read_table
from refinery.storage.write import TableWriter

PLACE = [("source", pa.string()), ("path", pa.string()), ("row", pa.int64())]
REASON = pa.schema(
    [
        ("stage", pa.string()),  # that dropped it
        ("rule", pa.string()),  # the first that failed, or why the row was rejected
        ("failed", pa.list_(pa.string())),  # all rules of that stage that failed
        *(DROPPED.field(name) for name in DROPPED.names[2:]),
    ]
)
DECISIONS = pa.schema(
    [
        *PLACE,
        ("id", pa.string()),
        ("outcome", pa.string()),
        *REASON,
        ("cut_chars", pa.int64()),
        ("repeats", pa.int32()),
    ]
)
REJECTS = pa.schema([*PLACE, ("reason", pa.string()), ("detail", pa.string())])

FILES = 64  # at least, where there are rows enough
LEAST_ROWS, MOST_ROWS = 1 << 18, 1 << 22  # of a file
SHARD_ROWS = 1 << 11  # as many as it takes to open the files of a shard
BATCH_ROWS = 1 << 16
OUTCOMES = ("dropped", "kept")


@dataclass(frozen=True)
class StageOutcome:
    """Where a stage's decisions on a shard lie, its rules by name, and where bytes and tokens are.

    parents: as in `Graph.parents`; sources: all that arrive there; cuts, repeats: whether its verb cuts passages, or
    repeats documents; parts: the stages or sources that its verb tells apart.
    """

    decided: Upstream
    parents: tuple[str, ...]
    rules: tuple[str, ...]
    sizes: tuple[NamedColumn, ...]
    sources: tuple[str, ...] = ()
    cuts: bool = False
    repeats: bool = False
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShardOutcomes:
    """A shard and the stages from its source to the output, parents first."""

    planned: PlannedShard
    stages: tuple[StageOutcome, ...]


@dataclass(frozen=True)
class DecisionsTask:
    """One file of decisions, of consecutive shards, and one of their rejects where there are some.

    broken: source, path and problem of files that could not be read at all.
    """

    shards: tuple[ShardOutcomes, ...]
    broken: tuple[tuple[str, str, str], ...]
    decisions: Place
    rejects: Place | None


def decisions_tasks(
    plan: Plan, output: str, records: Mapping[int, ShardRecord], folder: Place
) -> list[DecisionsTask]:
    """The units that write an output's decisions and rejects into a folder; records: by shard number."""
    stage = plan.graph.stage_of(output)
    outcomes = [found for source in stage.sources for found in outcomes_of(plan, stage.name, source)]
    rows = [
        records[found.planned.number].documents + records[found.planned.number].rejected for found in outcomes
    ]
    broken = tuple((s, path, why) for s in stage.sources for path, why in plan.listed[s].broken)
    tasks = []
    for number, (start, stop) in enumerate(cut_into_files(rows)):
        shards = tuple(outcomes[start:stop])
        rejected = broken or any(records[found.planned.number].rejected for found in shards)
        rejects = folder / f"rejects-{number:05}.parquet" if rejected else None
        tasks.append(DecisionsTask(shards, broken, folder / f"decisions-{number:05}.parquet", rejects))
        broken = ()
    return tasks


def outcomes_of(plan: Plan, last: str, source: str) -> list[ShardOutcomes]:
    """Of each shard of a source, in order, where the decisions lie on the way to a stage."""
    stages = []
    for name in plan.graph.ancestors(last):
        stage = plan.graph.stages[name]
        if source in stage.sources:
            rules = tuple(rule.name for rule in stage.rules)
            sizes = find_columns(stage.columns[source], ("bytes", "tokens"))
            parents = plan.graph.parents(stage, source)
            decided = upstream(plan, name, source)
            kinds = stage.cuts, stage.repeats, stage.verb.parts if stage.verb else ()
            stages.append(StageOutcome(decided, parents, rules, sizes, stage.sources, *kinds))
    return [ShardOutcomes(planned, tuple(stages)) for planned in plan.of(source)]


def cut_into_files(rows: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Shards start:stop that have a file of decisions together, by the rows of each."""
    most = min(max(sum(rows) // FILES, LEAST_ROWS), MOST_ROWS)
    for start, stop, _ in cuts(np.maximum(np.array(rows, np.int64), SHARD_ROWS), most):
        yield start, stop


def write_decisions(task: DecisionsTask) -> Decided:
    """Writes the rows of every shard, in order, and counts its documents; raises ConservationError."""
    counts = Counts()
    decisions = TableWriter(task.decisions, DECISIONS)
    rejects = TableWriter(task.rejects, REJECTS) if task.rejects else None
    documents = rejected = 0
    with decisions, rejects or nullcontext():
        if rejects:
            rejects.write(_broken(task.broken))
        for shard in task.shards:
            for batch in _decisions(shard, counts):
                decisions.write(batch)
                documents += batch.num_rows
            for batch in read_batches(shard.planned.rejects_file):
                decisions.write(_rejections(shard.planned, batch))
                rejected += batch.num_rows
                if rejects:
                    rejects.write(_rejects(shard.planned, batch))
    written = rejects.written if rejects else None
    return Decided(documents, rejected, decisions.written, written, **vars(counts))


def rows_of(shard: ShardOutcomes) -> pa.Table:
    """The decisions on a shard: a row for each of its documents, in order, then those of what was rejected."""
    rejects = (_rejections(shard.planned, batch) for batch in read_batches(shard.planned.rejects_file))
    return pa.Table.from_batches([*_decisions(shard, Counts()), *rejects], DECISIONS)


def _decisions(shard: ShardOutcomes, counts: Counts) -> Iterator[pa.RecordBatch]:
    """The rows of a shard's documents, which are counted on the way."""
    planned = shard.planned
    listing = read_table(planned.documents_file)
    reasons = [REASON.empty_table()]
    reason = np.full(listing.num_rows, -1)  # of each document its row in the reasons, -1 while it is kept
    kept: dict[str, NDArray[np.bool_]] = {}
    rows, ids = listing.column("row").to_numpy(), listed_ids(planned.shard, listing)
    cut_chars = np.zeros(listing.num_rows, np.int64)
    times = np.ones(listing.num_rows, np.int32)
    parts: dict[str, NDArray[np.bool_]] = {}
    total = 0
    for stage in shard.stages:
        name = stage.decided.stage
        arrived, stays, found = _judged(planned, stage)
        due = arrived_documents(stage.parents, planned.spec.name, listing.num_rows, kept)
        if wrong := int((arrived != due).sum()):
            raise ConservationError(
                f"stage {name}, {planned.name}: {wrong} documents came that no stage above had kept, or did not "
                "come; please report this"
            )
        kept[name] = stays
        for documents, why in found:
            reason[documents] = total + np.arange(len(documents))
            reasons.append(why)
            total += len(documents)
        reason[stays] = -1  # an earlier stage on another branch no longer matters
        sizes = load_columns(planned, stage.sizes, arrived)
        counts.add((name, planned.spec.name), stage.sources, sizes, stays, found[1:])
        if stage.cuts:
            characters, cut = count_cuts(planned, stage.decided, rows)
            cut_chars += characters
            counts.add_cut(name, cut)
        if stage.repeats:
            times = repeats_of(planned, stage.decided.verb_key or "", listing.num_rows)
            parts = documents_of_parts(stage.parts, planned.spec.name, kept, arrived)
        counts.add_again(name, sizes, (times - 1) * stays)
    if parts:  # of the last stage: one that is implied may leave out more
        counts.add_parts(parts, sizes, times * stays)
    known = pa.concat_tables(reasons).combine_chunks()
    for start in range(0, listing.num_rows, BATCH_ROWS):
        here = slice(start, start + BATCH_ROWS)
        why = known.take(pa.array(reason[here], mask=reason[here] < 0))
        outcome = pa.array(OUTCOMES).take(pa.array((reason[here] < 0).astype(np.int8)))
        place = places_of(planned.shard, rows[here])
        told = pa.array(cut_chars[here]), pa.array(times[here], mask=reason[here] >= 0)
        columns = [*place, ids.slice(start, BATCH_ROWS), outcome, *why.columns, *told]
        yield from pa.Table.from_arrays(columns, schema=DECISIONS).to_batches()


def _judged(
    planned: PlannedShard, stage: StageOutcome
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[tuple[NDArray[np.int64], pa.Table]]]:
    """Which documents came to a stage, and which it kept; what its rules dropped, and then its verb, with reasons."""
    name = stage.decided.stage
    table = read_table(planned.decision_file(stage.decided.key))
    first = table.column(0).fill_null(KEPT - 1).to_numpy()  # less than KEPT where a document never arrived
    arrived, stays, dropped = first >= KEPT, first == KEPT, np.flatnonzero(first > KEPT)
    names = pa.array(stage.rules, pa.string())
    failed = table.column(1).take(pa.array(dropped)).combine_chunks()
    failed = pa.ListArray.from_arrays(failed.offsets, names.take(failed.values))
    found = [(dropped, _reasons(name, names.take(pa.array(first[dropped])), failed))]
    if stage.decided.verb_key:
        verb = read_table(planned.verb_file(stage.decided.verb_key)).combine_chunks()
        rule = verb.column("rule").combine_chunks()
        ends = pa.array(np.arange(len(rule) + 1), pa.int32())
        documents = verb.column("document").to_numpy()
        found.append((documents, _reasons(name, rule, pa.ListArray.from_arrays(ends, rule), verb)))
        passed = int(stays.sum())
        stays[documents] = False
        if passed - int(stays.sum()) != len(documents):
            raise ConservationError(
                f"stage {name}, {planned.name}: {passed} documents passed its rules, {len(documents)} of them were "
                f"dropped by its verb and {int(stays.sum())} were kept; please report this"
            )
    return arrived, stays, found


def _reasons(stage: str, rule: pa.Array, failed: pa.Array, verb: pa.Table | None = None) -> pa.Table:
    known = {name: verb.column(name) for name in REASON.names[3:]} if verb else {}
    known |= {"stage": pa.repeat(pa.scalar(stage), len(rule)), "rule": rule, "failed": failed}
    return pa.Table.from_arrays(_in_order(REASON, known, len(rule)), schema=REASON)


def _rejections(planned: PlannedShard, rejects: pa.RecordBatch) -> pa.RecordBatch:
    size = rejects.num_rows
    known = dict(zip(DECISIONS.names, _places(planned, rejects), strict=False))
    known |= {"outcome": pa.repeat(pa.scalar("rejected"), size), "rule": rejects.column("reason")}
    return pa.RecordBatch.from_arrays(_in_order(DECISIONS, known, size), schema=DECISIONS)


def _in_order(schema: pa.Schema, known: Mapping[str, pa.Array], size: int) -> list[pa.Array]:
    """The schema's columns, NULL those that are not known."""
    return [known[f.name] if f.name in known else pa.nulls(size, f.type) for f in schema]


def _rejects(planned: PlannedShard, rejects: pa.RecordBatch) -> pa.RecordBatch:
    columns = [*_places(planned, rejects), *rejects.columns[1:]]
    return pa.RecordBatch.from_arrays(columns, schema=REJECTS)


def _broken(files: Sequence[tuple[str, str, str]]) -> pa.RecordBatch:
    names = ("source", "path", "detail")
    rows = [dict(zip(names, file, strict=True)) | {"reason": "unreadable"} for file in files]
    return pa.RecordBatch.from_pylist(rows, REJECTS)


def _places(planned: PlannedShard, rejects: pa.RecordBatch) -> tuple[pa.Array, pa.Array, pa.Array]:
    return places_of(planned.shard, rejects.column("row").to_numpy())
