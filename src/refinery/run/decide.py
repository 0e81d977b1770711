"""Decisions: rules evaluated on measurements, a shard and a depth at a time; no text is touched.

A decision file is row-aligned with the shard's documents and has two columns a stage: `STAGE`, int16, NULL
where the document never arrived, KEPT where it passed every rule, else the index of the first rule that failed; and
`STAGE.failed`, the indices of all that failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import DamagedFile
from refinery.filters.predicate import columns_of
from refinery.filters.rules import evaluate
from refinery.plan.graph import Column, ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, read_many
from refinery.storage.seal import read_sealed_json, sealed_json
from refinery.storage.tables import read_table, row_count
from refinery.storage.write import TableWriter

KEPT = -1
# In files of costly measurements: of which documents they are.
MEASURED = pa.field("_measured", pa.bool_(), nullable=False)
DROPPED = pa.schema(
    [
        ("document", pa.int64()),  # position among the shard's accepted documents
        ("rule", pa.string()),
        ("twin_source", pa.string()),  # the twin's columns are NULL where there is none
        ("twin_path", pa.string()),
        ("twin_part", pa.int32()),
        ("twin_row", pa.int64()),
        ("twin_id", pa.string()),
        ("similarity", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Tally:
    """Documents, text bytes and estimated tokens."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.documents + other.documents, self.bytes + other.bytes, self.tokens + other.tokens)


@dataclass(frozen=True)
class Above:
    """How a stage's kept documents are found: its decision file, and the verb file when it has a verb."""

    stage: str
    decisions: Place
    dropped: Place | None


@dataclass(frozen=True)
class DecideTask:
    """One shard, the stages of one depth, and where the stages above left their decisions."""

    planned: PlannedShard
    stages: tuple[ResolvedStage, ...]
    above: tuple[Above, ...]
    key: str

    @property
    def tally_file(self) -> Place:
        """The counts, beside the decision file and written after it."""
        return self.planned.decision_file(self.key).with_suffix(".json")


@dataclass(frozen=True)
class StageTally:
    """A stage's account of one shard: what arrived, what each rule dropped first, what was kept by the rules."""

    stage: str
    arrived: Tally
    kept: Tally
    dropped: dict[str, Tally]
    failed: dict[str, int]  # documents that fail each rule, whether or not it was the first to fail


def decide_task(plan: Plan, planned: PlannedShard, depth: int) -> DecideTask:
    """The unit that decides a shard at a depth."""
    stages = plan.stages_at(depth, planned.spec.name)
    parents = {parent for stage in stages for parent in stage.parents} - {stage.name for stage in stages}
    above = tuple(
        above_of(plan, planned, name)
        for name in sorted(parents)
        if name in plan.graph.stages and planned.spec.name in plan.graph.stages[name].sources
    )
    return DecideTask(planned, stages, above, plan.decision_key(planned.spec.name, depth))


def above_of(plan: Plan, planned: PlannedShard, stage: str) -> Above:
    """Where a stage's decisions on a shard lie."""
    resolved = plan.graph.stages[stage]
    key = plan.decision_key(planned.spec.name, resolved.depth)
    verb = planned.verb_file(plan.verb_keys[stage]) if resolved.is_global else None
    return Above(stage, planned.decision_file(key), verb)


def decide(task: DecideTask) -> tuple[StageTally, ...]:
    """Evaluates the rules of every stage of the task and writes the decision file and its tallies."""
    planned = task.planned
    rows = row_count(planned.documents_file)
    kept: dict[str, NDArray[np.bool_]] = {a.stage: kept_documents(a) for a in task.above}
    columns: list[pa.Array] = []
    fields: list[pa.Field] = []
    tallies: list[StageTally] = []
    for stage in task.stages:
        arrived = arrived_at(stage, planned.spec.name, rows, kept)
        outcome, failed, tally = _judge(planned, stage, arrived)
        kept[stage.name] = arrived & (outcome == KEPT)
        tallies.append(tally)
        columns += [pa.array(outcome, pa.int16(), mask=~arrived), failed]
        fields += [pa.field(stage.name, pa.int16()), pa.field(f"{stage.name}.failed", failed.type)]
    batch = pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))
    with TableWriter(planned.decision_file(task.key), batch.schema, scratch=True) as writer:
        writer.write(batch)
    commit_bytes(task.tally_file, sealed_json(tallies), scratch=True)
    return tuple(tallies)


def decided(tasks: Sequence[DecideTask], present: frozenset[str]) -> list[tuple[StageTally, ...] | None]:
    """For each task the tallies of a decision made before, or None; `present`: the files there are."""
    there = [{str(t.planned.decision_file(t.key)), str(t.tally_file)} <= present for t in tasks]
    contents = iter(read_many([task.tally_file for task, made in zip(tasks, there, strict=True) if made]))
    return [_tallies(next(contents)) if made else None for made in there]


def _tallies(content: bytes | None) -> tuple[StageTally, ...] | None:
    try:
        return tuple(_stage_tally(entry) for entry in read_sealed_json(content)) if content else None
    except (ValueError, KeyError, TypeError):
        return None  # damaged: decide again


def kept_documents(above: Above) -> NDArray[np.bool_]:
    """Which of a shard's documents a stage kept, its verb included."""
    outcome = read_table(above.decisions, [above.stage]).column(0)
    kept: NDArray[np.bool_] = outcome.fill_null(0).to_numpy() == KEPT
    if above.dropped:
        gone = read_table(above.dropped, ["document"]).column(0).to_numpy()
        kept[gone] = False
    return kept


def arrived_at(
    stage: ResolvedStage, source: str, rows: int, kept: dict[str, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Which of a shard's documents come to a stage; `kept`: what each stage above kept."""
    direct = [np.ones(rows, bool)] if source in stage.parents else []
    arrived: NDArray[np.bool_] = np.logical_or.reduce(
        direct + [kept[parent] for parent in stage.parents if parent in kept]
    )
    return arrived


def load_columns(
    planned: PlannedShard,
    columns: dict[str, Column],
    wanted: Iterable[str],
    needed: NDArray[np.bool_] | None = None,
) -> pl.DataFrame:
    """Measured columns of a shard under the names that a stage gives them; needed: documents whose values count.

    Raises DamagedFile when a costly measurement was not made of all of those: a worker that was thought dead can
    put an earlier file over a later one, and NULL would then pass for a measured value.
    """
    by_file: dict[Place, list[tuple[str, str]]] = {}
    for name in wanted:
        column = columns[name]
        file = planned.measurement_file(column.measurement)
        by_file.setdefault(file, []).append((name, column.original))
    series: list[pl.Series] = []
    for file, names in by_file.items():
        costly = columns[names[0][0]].measurement.measurer.costly
        table = read_table(file, [original for _, original in names] + [MEASURED.name] * costly)
        if costly:
            measured = table.column(MEASURED.name).to_numpy()
            if not measured.all() if needed is None else (needed & ~measured).any():
                raise DamagedFile(str(file), "documents that came to the stage are not measured")
        for name, original in names:
            series.append(pl.Series(name, pl.from_arrow(table.column(original))))
    return pl.DataFrame(series)


def tally(sizes: pl.DataFrame, mask: NDArray[np.bool_]) -> Tally:
    """Documents, bytes and tokens where `mask` is set."""
    chosen = sizes.filter(pl.Series(mask))
    return Tally(int(mask.sum()), int(chosen["bytes"].sum()), int(chosen["tokens"].sum()))


def _judge(
    planned: PlannedShard, stage: ResolvedStage, arrived: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], pa.Array, StageTally]:
    columns = stage.columns[planned.spec.name]
    needed = {c for rule in stage.rules for c in columns_of(rule.predicate)} - {"source"} | {
        "bytes",
        "tokens",
    }
    frame = load_columns(planned, columns, sorted(needed), arrived)
    frame = frame.with_columns(source=pl.lit(planned.spec.name))
    verdict = evaluate(frame, stage.rules)
    outcome = verdict["first_failed"].cast(pl.Int16).fill_null(KEPT).to_numpy()
    failed = verdict["failed"].to_arrow().cast(pa.list_(pa.uint16()))
    sizes = frame.select("bytes", "tokens")
    dropped = {}
    for index, rule in enumerate(stage.rules):
        here = arrived & (outcome == index)
        if here.any():
            dropped[rule.name] = tally(sizes, here)
    counts = verdict.filter(pl.Series(arrived))["failed"].explode().drop_nulls().value_counts()
    failures = {stage.rules[index].name: count for index, count in sorted(counts.iter_rows())}
    account = StageTally(
        stage.name, tally(sizes, arrived), tally(sizes, arrived & (outcome == KEPT)), dropped, failures
    )
    return outcome, failed, account


def _stage_tally(entry: dict[str, object]) -> StageTally:
    dropped = {rule: Tally(**counts) for rule, counts in entry["dropped"].items()}  # type: ignore[attr-defined]
    return StageTally(
        str(entry["stage"]),
        Tally(**entry["arrived"]),  # type: ignore[arg-type]
        Tally(**entry["kept"]),  # type: ignore[arg-type]
        dropped,
        entry["failed"],  # type: ignore[arg-type]
    )
