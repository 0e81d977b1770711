"""The account: what became of every document on its way to an output, and the check that none is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import ConservationError
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.decide import KEPT, Above, StageTally, Tally, above_of, kept_documents, load_columns, tally
from refinery.run.ids import id_texts
from refinery.storage.place import Place
from refinery.storage.tables import open_table, read_batches, read_table
from refinery.storage.write import TableWriter, WrittenFile, write_table

DECISIONS = pa.schema(
    [
        ("source", pa.string()),
        ("path", pa.string()),
        ("part", pa.int32()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("outcome", pa.string()),  # kept, dropped or rejected
        ("stage", pa.string()),  # that dropped it
        ("rule", pa.string()),  # the first that failed, or why the row was rejected
        ("failed", pa.list_(pa.string())),  # all rules of that stage that failed
        ("twin_source", pa.string()),
        ("twin_path", pa.string()),
        ("twin_part", pa.int32()),
        ("twin_row", pa.int64()),
        ("twin_id", pa.string()),
        ("similarity", pa.float32()),
    ]
)


REJECTED = pa.schema(
    [
        ("source", pa.string()),
        ("path", pa.string()),
        ("part", pa.int32()),
        ("row", pa.int64()),  # NULL where the whole file could not be read
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)


@dataclass(frozen=True)
class AccountTask:
    """One shard on its way to one output."""

    planned: PlannedShard
    stages: tuple[tuple[ResolvedStage, Above], ...]  # from the source to the output, parents first
    part: Place


@dataclass(frozen=True)
class DecisionsTask:
    """The one file of an output's decisions, and the shards' parts in order."""

    path: Place
    parts: tuple[Place, ...]


@dataclass(frozen=True)
class RejectsTask:
    """The one file of an output's rejects: its sources' unreadable files and the shards that have rejects."""

    path: Place
    broken: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]  # source: (path, problem) ...
    shards: tuple[PlannedShard, ...]


@dataclass(frozen=True)
class ShardAccount:
    """The numbers behind a shard's decisions."""

    kept: Tally
    rejected: int
    rows: int
    stage_kept: dict[str, Tally]
    verb_dropped: dict[str, dict[str, Tally]]


def account_task(plan: Plan, planned: PlannedShard, stage: str, part: Place) -> AccountTask:
    """The unit that accounts for a shard's documents in an output of a stage."""
    names = [n for n in plan.graph.ancestors(stage) if planned.spec.name in plan.graph.stages[n].sources]
    stages = tuple((plan.graph.stages[name], above_of(plan, planned, name)) for name in names)
    return AccountTask(planned, stages, part)


def account(task: AccountTask) -> ShardAccount:
    """Writes the shard's part of the decisions and adds up its documents."""
    listing = read_table(task.planned.documents_file)
    size = listing.num_rows
    columns: dict[str, NDArray[np.object_]] = {
        name: np.full(size, None, object)
        for name in DECISIONS.names
        if name not in {"source", "path", "part", "row", "id", "outcome"}
    }
    stage_kept: dict[str, Tally] = {}
    verb_dropped: dict[str, dict[str, Tally]] = {}
    kept = np.zeros(size, bool)
    for stage, place in task.stages:
        sizes = load_columns(task.planned, stage.columns[task.planned.spec.name], ["bytes", "tokens"])
        kept = kept_documents(place)
        _check_documents(task.planned, stage, place, kept)
        stage_kept[stage.name] = tally(sizes, kept)
        _note_rules(columns, stage, place)
        if place.dropped:
            by_rule = _note_verb(columns, stage, place.dropped)
            verb_dropped[stage.name] = {rule: tally(sizes, mask) for rule, mask in by_rule.items()}
        for values in columns.values():
            values[kept] = None  # kept here: an earlier stage on another branch no longer matters
    rejected = 0
    with TableWriter(task.part, DECISIONS, scratch=True) as writer:
        writer.write(_decisions(task.planned, listing, kept, columns))
        for rejects in read_batches(task.planned.rejects_file):
            writer.write(_rejections(task.planned, rejects))
            rejected += rejects.num_rows
    last = task.stages[-1][0].name
    return ShardAccount(stage_kept[last], rejected, size + rejected, stage_kept, verb_dropped)


def check_conservation(stage: str, shard: str, found: StageTally) -> None:
    """in = kept + dropped; raises ConservationError, which no input can cause."""
    lost = found.arrived.documents - found.kept.documents - sum(t.documents for t in found.dropped.values())
    if lost:
        raise ConservationError(
            f"stage {stage}, {shard}: {lost} documents are neither kept nor dropped; please report this"
        )


def _check_documents(
    planned: PlannedShard, stage: ResolvedStage, place: Above, kept: NDArray[np.bool_]
) -> None:
    """Document by document: a verb drops each at most once, and only what the rules had kept."""
    outcome = read_table(place.decisions, [stage.name]).column(0)
    arrived = len(outcome) - outcome.null_count
    passed = outcome.fill_null(0).to_numpy() == KEPT
    dropped = np.empty(0, np.int64)
    if place.dropped:
        dropped = read_table(place.dropped, ["document"]).column(0).to_numpy()
    by_rules = int((outcome.drop_null().to_numpy() != KEPT).sum())
    once = len(np.unique(dropped)) == len(dropped) and bool(passed[dropped].all())
    if not once or arrived != int(kept.sum()) + by_rules + len(dropped):
        raise ConservationError(
            f"stage {stage.name}, {planned.name}: {arrived} documents arrived, {int(kept.sum())} were kept, "
            f"{by_rules} dropped by rules and {len(dropped)} by the verb; please report this"
        )


def _note_rules(columns: dict[str, NDArray[np.object_]], stage: ResolvedStage, place: Above) -> None:
    table = read_table(place.decisions, [stage.name, f"{stage.name}.failed"])
    outcome = table.column(0).fill_null(-1).to_numpy()
    here = np.flatnonzero(outcome >= 0)
    names = np.array([rule.name for rule in stage.rules], object)
    failed = table.column(1).combine_chunks().take(pa.array(here))
    columns["stage"][here] = stage.name
    columns["rule"][here] = names[outcome[here]]
    texts = pa.DictionaryArray.from_arrays(failed.flatten().cast(pa.int32()), pa.array(names, pa.string()))
    lists = pa.ListArray.from_arrays(_offsets(failed), texts.cast(pa.string()))
    columns["failed"][here] = np.array([*lists.to_pylist(), None], object)[:-1]


def _offsets(lists: pa.Array) -> pa.Array:
    lengths = lists.value_lengths().fill_null(0).to_numpy()
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())


def _note_verb(
    columns: dict[str, NDArray[np.object_]], stage: ResolvedStage, file: Place
) -> dict[str, NDArray[np.bool_]]:
    table = read_table(file)
    documents = table.column("document").to_numpy()
    rules = np.array(table.column("rule").to_pylist(), object)
    columns["stage"][documents] = stage.name
    columns["rule"][documents] = rules
    columns["failed"][documents] = np.array([*([rule] for rule in rules), None], object)[:-1]
    for name in ("similarity", "twin_source", "twin_path", "twin_part", "twin_row", "twin_id"):
        columns[name][documents] = np.array([*table.column(name).to_pylist(), None], object)[:-1]
    masks: dict[str, NDArray[np.bool_]] = {}
    for rule in sorted(set(rules.tolist())):
        masks[rule] = np.zeros(len(columns["stage"]), bool)
        masks[rule][documents[rules == rule]] = True
    return masks


def _decisions(
    planned: PlannedShard, listing: pa.Table, kept: NDArray[np.bool_], columns: dict[str, NDArray[np.object_]]
) -> pa.Table:
    size = listing.num_rows
    outcome = np.where(kept, "kept", "dropped").astype(object)
    fixed = {
        **_place(planned, size),
        "row": listing.column("row"),
        "id": id_texts(listing.column("id")),
        "outcome": pa.array(outcome, pa.string()),
    }
    arrays = [fixed[f.name] if f.name in fixed else pa.array(columns[f.name], f.type) for f in DECISIONS]
    return pa.Table.from_arrays(arrays, schema=DECISIONS)


def _rejections(planned: PlannedShard, rejects: pa.RecordBatch) -> pa.RecordBatch:
    size = rejects.num_rows
    fixed = {
        **_place(planned, size),
        "row": rejects.column("row"),
        "outcome": pa.array(["rejected"] * size, pa.string()),
        "rule": rejects.column("reason"),
    }
    arrays = [fixed.get(f.name, pa.nulls(size, f.type)) for f in DECISIONS]
    return pa.RecordBatch.from_arrays(arrays, schema=DECISIONS)


def _place(planned: PlannedShard, size: int) -> dict[str, pa.Array]:
    return {
        "source": pa.array([planned.spec.name] * size, pa.string()),
        "path": pa.array([planned.shard.relative_path] * size, pa.string()),
        "part": pa.array([planned.shard.part] * size, pa.int32()),
    }


def write_rejects(task: RejectsTask) -> WrittenFile:
    """Writes every rejected row and unreadable file with place, reason and detail."""
    return write_table(task.path, _rejected(task), REJECTED)


def _rejected(task: RejectsTask) -> Iterator[pa.RecordBatch]:
    for source, broken in task.broken:
        rows = [{"source": source, "path": p, "reason": "unreadable", "detail": why} for p, why in broken]
        yield pa.RecordBatch.from_pylist(rows, REJECTED)
    for planned in task.shards:
        for rejects in read_batches(planned.rejects_file):
            columns = [*_place(planned, rejects.num_rows).values(), *rejects.columns]
            yield pa.RecordBatch.from_arrays(columns, schema=REJECTED)


def write_decisions(task: DecisionsTask) -> WrittenFile:
    """Joins the shards' parts, in order, into the one file of decisions."""
    return write_table(task.path, _joined(task.parts), DECISIONS)


def _joined(parts: Sequence[Place]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        with open_table(part) as file:
            yield from file.iter_batches(batch_size=65536, use_threads=False)
