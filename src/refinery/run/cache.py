"""What people are told of a run's results: those that are there already, and how many documents they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from refinery.executors.base import Unit
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan
from refinery.run.decide import DecideTask, StageTally
from refinery.run.measure import MeasureTask, ShardRecord
from refinery.watch.events import CacheChecked, Count, Subject


def subjects(plan: Plan) -> tuple[Subject, ...]:
    """Sources, the earlier runs of `against` among them, stages and outputs, in the definition's order."""
    return (
        *(Subject("source", name) for name in plan.listed),
        *(Subject("stage", name) for name in plan.graph.definition.pipeline.stages),
        *(Subject("output", name) for name in plan.graph.outputs),
    )


def check_measurements(
    plan: Plan, units: Sequence[Unit[MeasureTask]], records: dict[int, ShardRecord]
) -> Iterator[CacheChecked]:
    """For each source the shards that need not be read, with their documents, and its measurements by name."""
    tasks = [unit.argument for unit in units]
    missing = Counter((task.planned.spec.name, m.measurer.name) for task in tasks for m in task.missing)
    wanted = {task.planned.number for task in tasks}
    for source in plan.listed:
        of, shards = Subject("source", source), plan.of(source)
        known = [records[planned.number] for planned in shards if planned.number not in wanted]
        documents = sum(record.documents for record in known) if known else None
        yield CacheChecked(of, "shard", len(known), len(shards) - len(known), documents)
        names = Counter(m.measurer.name for planned in shards[:1] for m in plan.measurements(planned))
        for name, number in names.items():
            absent = missing[source, name]
            yield CacheChecked(of, f"measurement {name}", number * len(shards) - absent, absent)


def check_decisions(
    tasks: Sequence[DecideTask], known: Sequence[tuple[StageTally, ...] | None]
) -> Iterator[CacheChecked]:
    """For each stage the shards that were decided on before, with their documents."""
    stages = {stage.name: stage for task in tasks for stage in task.stages}
    shards = Counter(stage.name for task in tasks for stage in task.stages)
    for name, stage in stages.items():
        found = [tally for tallies in known for tally in tallies or () if tally.stage == name]
        count, missing = count_stage(stage, found), shards[name] - len(found)
        yield CacheChecked(count.of, "decision", len(found), missing, count.documents, count.kept)


def count_stage(stage: ResolvedStage, tallies: Sequence[StageTally]) -> Count:
    """What came to a stage and was kept; where a verb follows on the rules, nobody knows that by their tallies."""
    arrived = sum(tally.arrived.documents for tally in tallies)
    kept = None if stage.is_global else sum(tally.kept.documents for tally in tallies)
    return Count(Subject("stage", stage.name), arrived, kept)
