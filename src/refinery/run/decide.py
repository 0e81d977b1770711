"""Decisions: rules evaluated on measurements, a shard and a depth at a time; no text is touched.

A decision file is row-aligned with the shard's documents and has two columns a stage: `STAGE`, int16, NULL
where the document never arrived, KEPT where it passed every rule, else the index of the first rule that failed; and
`STAGE.failed`, the indices of all that failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter

from refinery.errors import ConservationError
from refinery.filters.predicate import columns_of
from refinery.filters.rules import Rule, evaluate
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import NamedColumn, find_columns, load_columns
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, read_many
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.tables import read_table, row_count
from refinery.storage.write import TableWriter

KEPT = -1
DROPPED = pa.schema(
    [
        ("document", pa.int64()),  # position among the shard's accepted documents
        ("rule", pa.string()),
        ("duplicate_of_source", pa.string()),  # the kept document; NULL where there is none
        ("duplicate_of_path", pa.string()),
        ("duplicate_of_row", pa.int64()),
        ("duplicate_of_id", pa.string()),
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
class RuleTally:
    """What a rule dropped as the first that failed, and how many documents failed it at all."""

    dropped: Tally = Tally()
    failed: int = 0

    def __add__(self, other: RuleTally) -> RuleTally:
        return RuleTally(self.dropped + other.dropped, self.failed + other.failed)


@dataclass(frozen=True)
class StageTally:
    """in = kept + dropped: what arrived, what was kept, and by rule what was dropped."""

    arrived: Tally
    kept: Tally
    rules: dict[str, RuleTally]


@dataclass(frozen=True)
class Upstream:
    """Keys of a stage's decision files and, if it has a verb, of its verb files: they tell what it kept."""

    stage: str
    key: str
    verb_key: str | None


@dataclass(frozen=True)
class StageRules:
    """A stage as it decides on one source; parents: as in `Graph.parents`, columns: those that its rules read."""

    name: str
    parents: tuple[str, ...]
    rules: tuple[Rule, ...]
    columns: tuple[NamedColumn, ...]


@dataclass(frozen=True)
class DecideTask:
    """One shard, the stages of one depth, and where the stages above left their decisions."""

    planned: PlannedShard
    stages: tuple[StageRules, ...]
    above: tuple[Upstream, ...]
    key: str

    @property
    def tally_file(self) -> Place:
        """The counts, beside the decision file and written after it."""
        return self.planned.decision_file(self.key).with_suffix(".json")


def decide_tasks(plan: Plan, depth: int) -> list[DecideTask]:
    """The units of a depth."""
    tasks = []
    for source in plan.graph.sources:
        stages = plan.stages_at(depth, source)
        if not stages:
            continue
        rules = tuple(_stage_rules(plan, stage, source) for stage in stages)
        names = sorted({p for stage in rules for p in stage.parents} - {s.name for s in stages} - {source})
        above = tuple(upstream(plan, name, source) for name in names)
        key = plan.decision_key(source, depth)
        tasks += [DecideTask(planned, rules, above, key) for planned in plan.of(source)]
    return tasks


def _stage_rules(plan: Plan, stage: ResolvedStage, source: str) -> StageRules:
    read = {column for rule in stage.rules for column in columns_of(rule.predicate)} - {"source"}
    rules = tuple(Rule(rule.name, rule.predicate) for rule in stage.rules)  # without where they are from
    columns = find_columns(stage.columns[source], sorted(read | {"bytes", "tokens"}))
    return StageRules(stage.name, plan.graph.parents(stage, source), rules, columns)


def upstream(plan: Plan, stage: str, source: str) -> Upstream:
    """What a stage's decisions on a source's shards are called."""
    key = plan.decision_key(source, plan.graph.stages[stage].depth)
    return Upstream(stage, key, plan.verb_keys.get(stage))


def decide(task: DecideTask) -> tuple[StageTally, ...]:
    """Evaluates the rules of every stage of the task and writes the decision file and its tallies."""
    planned = task.planned
    rows = row_count(planned.documents_file)
    kept: dict[str, NDArray[np.bool_]] = {a.stage: kept_documents(planned, a) for a in task.above}
    columns: list[pa.Array] = []
    fields: list[pa.Field] = []
    tallies: list[StageTally] = []
    for stage in task.stages:
        arrived = arrived_documents(stage.parents, planned.spec.name, rows, kept)
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


def read_tallies(tasks: Sequence[DecideTask], present: frozenset[str]) -> list[tuple[StageTally, ...] | None]:
    """For each task the tallies of a decision made before, or None; `present`: the files there are."""
    there = [{str(t.planned.decision_file(t.key)), str(t.tally_file)} <= present for t in tasks]
    contents = iter(read_many([task.tally_file for task, made in zip(tasks, there, strict=True) if made]))
    return [_tallies(next(contents)) if made else None for made in there]


_TALLIES = TypeAdapter(tuple[StageTally, ...])


def _tallies(content: bytes | None) -> tuple[StageTally, ...] | None:
    try:
        return _TALLIES.validate_python(read_sealed_json(content)) if content else None
    except ValueError:
        return None  # damaged: decide again


def check_conservation(stage: str, shard: str, found: StageTally) -> None:
    """in = kept + dropped; raises ConservationError, which no input can cause."""
    dropped = sum(rule.dropped.documents for rule in found.rules.values())
    lost = found.arrived.documents - found.kept.documents - dropped
    if lost:
        raise ConservationError(
            f"stage {stage}, {shard}: {lost} documents are neither kept nor dropped; please report this"
        )


def kept_documents(planned: PlannedShard, above: Upstream) -> NDArray[np.bool_]:
    """Which of a shard's documents a stage kept, its verb included."""
    outcome = read_table(planned.decision_file(above.key), [above.stage]).column(0)
    kept: NDArray[np.bool_] = outcome.fill_null(0).to_numpy() == KEPT
    if above.verb_key:
        gone = read_table(planned.verb_file(above.verb_key), ["document"]).column(0).to_numpy()
        kept[gone] = False
    return kept


def arrived_documents(
    parents: Sequence[str], source: str, rows: int, kept: dict[str, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Which of a shard's documents come to a stage with these parents; `kept`: what each stage above kept."""
    arrived: NDArray[np.bool_] = np.logical_or.reduce(
        [np.ones(rows, np.bool_) if parent == source else kept[parent] for parent in parents]
    )
    return arrived


def tally(sizes: pl.DataFrame, mask: NDArray[np.bool_]) -> Tally:
    """Documents, bytes and tokens where `mask` is set."""
    size, tokens = (int(sizes[name].to_numpy()[mask].sum()) for name in ("bytes", "tokens"))
    return Tally(int(mask.sum()), size, tokens)


def _judge(
    planned: PlannedShard, stage: StageRules, arrived: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], pa.Array, StageTally]:
    frame = load_columns(planned, stage.columns, arrived).with_columns(source=pl.lit(planned.spec.name))
    verdict = evaluate(frame, stage.rules)
    outcome = verdict["first_failed"].cast(pl.Int16).fill_null(KEPT).to_numpy()
    failed = verdict["failed"].to_arrow().cast(pa.list_(pa.uint16()))
    sizes = frame.select("bytes", "tokens")
    counts = np.bincount(failed.filter(pa.array(arrived)).flatten().to_numpy())
    rules = {
        stage.rules[index].name: RuleTally(tally(sizes, arrived & (outcome == index)), int(counts[index]))
        for index in np.flatnonzero(counts).tolist()
    }
    kept = tally(sizes, arrived & (outcome == KEPT))
    return outcome, failed, StageTally(tally(sizes, arrived), kept, rules)
