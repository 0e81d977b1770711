"""What people are told of a run's results: those that are there already, and how many documents they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan
from refinery.plan.result import Kind, Result
from refinery.run.context import Run
from refinery.run.decide import DecideTask, StageTally
from refinery.run.measure import MeasureTask
from refinery.watch.events import Count, Subject


def subjects(plan: Plan) -> tuple[Subject, ...]:
    """Sources, models, stages and outputs in the definition's order, what it implies after what it names."""
    models = dict.fromkeys(r.of for r in plan.results.values() if r.kind is Kind.MODEL)
    return (
        *(Subject("source", name) for name in plan.listed),
        *models,
        *stage_subjects(dict.fromkeys([*plan.graph.definition.pipeline.stages, *plan.graph.stages])),
        *(Subject("output", name) for name in plan.graph.outputs),
    )


def stage_subjects(names: Iterable[str]) -> tuple[Subject, ...]:
    """Stages by their names."""
    return tuple(Subject("stage", name) for name in names)


def check_measurements(run: Run, group: Sequence[Result], tasks: Sequence[MeasureTask]) -> None:
    """Tells for each source the shards that need not be read, with their documents, and each of its measurements."""
    missing = Counter((task.planned.spec.name, m.key) for task in tasks for m in task.missing)
    wanted = {task.planned.number for task in tasks}
    for result in group:
        source, shards = result.of.name, run.plan.of(result.of.name)
        if result.kind is Kind.DOCUMENTS:
            known = [run.records[planned.number] for planned in shards if planned.number not in wanted]
            count = Count(result.of, sum(record.documents for record in known) if known else None)
            run.checked(result, "shard", len(known), len(shards) - len(known), count)
        else:
            absent = missing[source, result.parts[source]]
            name = result.name.removeprefix(f"sources.{source}.")
            run.checked(result, f"measurement {name}", len(shards) - absent, absent)


def check_decisions(
    run: Run,
    group: Sequence[Result],
    tasks: Sequence[DecideTask],
    known: Sequence[tuple[StageTally | None, ...]],
) -> None:
    """Tells for each stage the shards that were decided on before, with their documents; known: by task and stage."""
    found: dict[str, list[StageTally]] = {result.of.name: [] for result in group}
    missing = Counter[str]()
    for task, tallies in zip(tasks, known, strict=True):
        for stage, tally in zip(task.stages, tallies, strict=True):
            if tally is None:
                missing[stage.name] += 1
            else:
                found[stage.name].append(tally)
    for result in group:
        there, name = found[result.of.name], result.of.name
        count = count_stage(run.plan.graph.stages[name], there) if there else None
        run.checked(result, "decision", len(there), missing[name], count)


def count_stage(stage: ResolvedStage, tallies: Sequence[StageTally], dropped: int | None = None) -> Count:
    """What came to a stage and what it kept; dropped: by its verb, None where it has none or that is not known."""
    arrived = sum(tally.arrived.documents for tally in tallies)
    kept = sum(tally.kept.documents for tally in tallies) - (dropped or 0)
    return Count(Subject("stage", stage.name), arrived, None if stage.verb and dropped is None else kept)


def finish_stage(run: Run, stage: ResolvedStage, dropped: int | None = None) -> None:
    """Tells what came to a stage and what it kept, once all shards are decided on; dropped: as in count_stage."""
    count = count_stage(stage, [run.tallies[stage.name, p.number] for p in run.plan.reaching(stage)], dropped)
    run.finish(count.of, count.documents, count.kept)
