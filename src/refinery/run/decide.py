"""Decisions: rules evaluated on measurements, a shard at a time; no text is touched.

A stage's decision file is row-aligned with the shard's documents and has two columns: `outcome`, int16, NULL where
the document never arrived, KEPT where it passed every rule, else the index of the first rule that failed; and
`failed`, the indices of all that failed.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter

from refinery.errors import ConservationError
from refinery.filters.rules import Rule, evaluate, languages_judged
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.plan.results import rule_columns
from refinery.run.columns import NamedColumn, find_columns, load_columns
from refinery.run.removed import RemovedColumn, RemovedTallies, removed_columns, removed_of
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place, read_many
from refinery.storage.sealed import read_sealed_json, sealed_json
from refinery.storage.tables import read_table, row_count
from refinery.storage.write import TableWriter

KEPT = -1
DECISION = pa.schema([("outcome", pa.int16()), ("failed", pa.list_(pa.uint16()))])
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


@dataclass(frozen=True, slots=True)
class Tally:
    """Documents, text bytes and estimated tokens."""

    documents: int = 0
    bytes: int = 0
    tokens: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.documents + other.documents, self.bytes + other.bytes, self.tokens + other.tokens)


@dataclass(frozen=True, slots=True)
class RuleTally:
    """What a rule dropped as the first that failed, and how many documents failed it at all."""

    dropped: Tally = Tally()
    failed: int = 0

    def __add__(self, other: RuleTally) -> RuleTally:
        return RuleTally(self.dropped + other.dropped, self.failed + other.failed)


@dataclass(frozen=True, slots=True)
class CutTally:
    """Documents that a verb cut passages out of, and what went of their texts."""

    documents: int = 0
    bytes: int = 0
    characters: int = 0

    def __add__(self, other: CutTally) -> CutTally:
        characters = self.characters + other.characters
        return CutTally(self.documents + other.documents, self.bytes + other.bytes, characters)


@dataclass(frozen=True, slots=True)
class PartTally:
    """What is written of a part of a mix, the first time and beyond it; largest: times of one document."""

    kept: Tally = Tally()
    repeated: Tally = Tally()
    largest: int = 0

    def __add__(self, other: PartTally) -> PartTally:
        largest = max(self.largest, other.largest)
        return PartTally(self.kept + other.kept, self.repeated + other.repeated, largest)


@dataclass(frozen=True, slots=True)
class StageTally:
    """in = kept + dropped: what arrived, what was kept, and by rule what was dropped.

    kept: with what its verb cut out of it, which is counted apart; repeated: what is written of the kept documents
    beyond the first time; unjudged: documents in languages of which no rule judges any; removed: by source and rule,
    what its transforms removed of what arrived, with those of a source where that itself arrives.
    """

    arrived: Tally
    kept: Tally
    rules: dict[str, RuleTally]
    cut: CutTally = CutTally()
    unjudged: int = 0
    repeated: Tally = Tally()
    removed: RemovedTallies = field(default_factory=dict)


@dataclass(frozen=True)
class Upstream:
    """Keys of a stage's decision files and, if it has a verb, of its verb files: they tell what it kept."""

    stage: str
    key: str
    verb_key: str | None = None


@dataclass(frozen=True)
class StageRules:
    """A stage as it decides on one source.

    key: of its decision files; parents: as in `Graph.parents`, columns: those that its rules read; removed: what
    rules of transforms removed.
    """

    name: str
    key: str
    parents: tuple[str, ...]
    rules: tuple[Rule, ...]
    columns: tuple[NamedColumn, ...]
    removed: tuple[RemovedColumn, ...] = ()


@dataclass(frozen=True, slots=True)
class DecideTask:
    """One shard, stages that are decided on together, parents first, and where those above left their decisions."""

    planned: PlannedShard
    stages: tuple[StageRules, ...]
    above: tuple[Upstream, ...]

    def files(self) -> Iterator[tuple[Place, Place]]:
        """Of each stage the decision file and the counts, which lie beside it and are written after it."""
        for stage in self.stages:
            yield self.planned.decision_file(stage.key), tally_file(self.planned, stage.key)

    def only(self, names: Collection[str]) -> DecideTask:
        """The task for some of its stages; the others have decided."""
        others = tuple(Upstream(stage.name, stage.key) for stage in self.stages if stage.name not in names)
        stages = tuple(stage for stage in self.stages if stage.name in names)
        return DecideTask(self.planned, stages, self.above + others)


def tally_file(planned: PlannedShard, key: str) -> Place:
    """The counts of a stage's decisions on a shard."""
    return planned.decision_file(key).with_suffix(".json")


def decide_tasks(plan: Plan, names: Collection[str]) -> list[DecideTask]:
    """The units for stages that are decided on together."""
    tasks = []
    for source in plan.graph.sources:
        stages = [s for s in plan.graph.stages.values() if s.name in names and source in s.sources]
        if not stages:
            continue
        rules = tuple(_stage_rules(plan, stage, source) for stage in stages)
        parents = sorted({p for stage in rules for p in stage.parents} - {s.name for s in stages} - {source})
        above = tuple(upstream(plan, name, source) for name in parents)
        tasks += [DecideTask(planned, rules, above) for planned in plan.of(source)]
    return tasks


def _stage_rules(plan: Plan, stage: ResolvedStage, source: str) -> StageRules:
    rules = tuple(Rule(rule.name, rule.predicate) for rule in stage.rules)  # without where they are from
    read = rule_columns(stage, source)
    key, parents = plan.decision_key(stage.name, source), plan.graph.parents(stage, source)
    return StageRules(
        stage.name, key, parents, rules, find_columns(read, read), removed_columns(stage, source)
    )


def upstream(plan: Plan, stage: str, source: str) -> Upstream:
    """What a stage's decisions on a source's shards are called."""
    return Upstream(stage, plan.decision_key(stage, source), plan.outcome_key(stage))


def decide(task: DecideTask) -> tuple[StageTally, ...]:
    """Evaluates the rules of every stage of the task and writes its decision file, then its counts."""
    planned = task.planned
    rows = row_count(planned.documents_file)
    kept: dict[str, NDArray[np.bool_]] = {a.stage: kept_documents(planned, a) for a in task.above}
    tallies: list[StageTally] = []
    for stage in task.stages:
        arrived = arrived_documents(stage.parents, planned.spec.name, rows, kept)
        outcome, failed, tally = _judge(planned, stage, arrived)
        kept[stage.name] = arrived & (outcome == KEPT)
        columns = [pa.array(outcome, pa.int16(), mask=~arrived), failed]
        with TableWriter(planned.decision_file(stage.key), DECISION, scratch=True) as writer:
            writer.write(pa.RecordBatch.from_arrays(columns, schema=DECISION))
        commit_bytes(tally_file(planned, stage.key), sealed_json(tally), scratch=True)
        tallies.append(tally)
    return tuple(tallies)


def read_tallies(tasks: Sequence[DecideTask], present: Container[str]) -> list[tuple[StageTally | None, ...]]:
    """For each task and stage the counts of a decision made before, or None; `present`: the files there are."""
    files = [pair for task in tasks for pair in task.files()]
    there = [str(decided) in present and str(tally) in present for decided, tally in files]
    contents = iter(read_many([tally for (_, tally), made in zip(files, there, strict=True) if made]))
    found = iter([_tally(next(contents)) if made else None for made in there])
    return [tuple(next(found) for _ in task.stages) for task in tasks]


_TALLY = TypeAdapter(StageTally)


def _tally(content: bytes | None) -> StageTally | None:
    try:
        return _TALLY.validate_python(read_sealed_json(content)) if content else None
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
    outcome = read_table(planned.decision_file(above.key), ["outcome"]).column(0)
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
    return weighted_tally(sizes, mask)


def weighted_tally(sizes: pl.DataFrame, times: NDArray[np.integer | np.bool_]) -> Tally:
    """Documents, bytes and tokens, each document counted so many times."""
    counted = np.flatnonzero(times)
    weights = times[counted].astype(np.int64)
    size, tokens = (
        int((sizes[name].fill_null(0).to_numpy()[counted] * weights).sum()) for name in ("bytes", "tokens")
    )
    return Tally(int(weights.sum()), size, tokens)


def _judge(
    planned: PlannedShard, stage: StageRules, arrived: NDArray[np.bool_]
) -> tuple[NDArray[np.int16], pa.Array, StageTally]:
    frame = load_columns(planned, stage.columns, arrived).with_columns(source=pl.lit(planned.spec.name))
    verdict = evaluate(frame, stage.rules)
    outcome = verdict["first_failed"].cast(pl.Int16).fill_null(KEPT).to_numpy()
    failed = verdict["failed"].to_arrow().cast(DECISION.field("failed").type)
    sizes = frame.select("bytes", "tokens")
    counts = np.bincount(failed.filter(pa.array(arrived)).flatten().to_numpy())
    rules = {
        stage.rules[index].name: RuleTally(tally(sizes, arrived & (outcome == index)), int(counts[index]))
        for index in np.flatnonzero(counts).tolist()
    }
    kept = tally(sizes, arrived & (outcome == KEPT))
    unjudged, removed = _unjudged(frame, stage.rules, arrived), removed_of(planned, stage.removed, arrived)
    found = StageTally(tally(sizes, arrived), kept, rules, unjudged=unjudged, removed=removed)
    return outcome, failed, found


def _unjudged(frame: pl.DataFrame, rules: Sequence[Rule], arrived: NDArray[np.bool_]) -> int:
    languages = languages_judged(rule.predicate for rule in rules)
    if not languages:
        return 0
    of_others = ~frame["lang"].cast(pl.String).is_in([*languages])  # NULL is judged
    return int((of_others.fill_null(value=False).to_numpy() & arrived).sum())
