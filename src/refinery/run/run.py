"""Executes a plan from the first read to the manifest; whatever is there already is not done again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from refinery.errors import ConservationError, RunError
from refinery.executors.base import Executor, Unit
from refinery.plan.needs import note_needs
from refinery.plan.plan import UNITS, VERBS, Plan
from refinery.run import folder as folders
from refinery.run.cache import (
    check_decisions,
    check_measurements,
    count_stage,
    finish_stage,
    stage_subjects,
    subjects,
)
from refinery.run.context import Run
from refinery.run.decide import check_conservation, decide, decide_tasks, read_tallies
from refinery.run.kernels import compile_kernels
from refinery.run.manifest import Manifest
from refinery.run.measure import MeasureTask, ShardRecord, measure, read_records, refuse_rejects
from refinery.run.measure_late import late_tasks, measure_arrived
from refinery.run.nodes import share
from refinery.run.output import carried_columns, make_output
from refinery.run.repair import repair
from refinery.run.verbs import run_verb
from refinery.storage import lock
from refinery.storage.commit import remove_leftover
from refinery.storage.lock import Held
from refinery.storage.place import Place, place_of, remove_scratch
from refinery.storage.work_folder import make_work_folder
from refinery.watch.events import CacheChecked, Count, Listener, Note, RunBegun, Subject
from refinery.watch.record import record_run


def execute(
    plan: Plan,
    executor: Executor,
    listener: Listener,
    hold: Callable[[Place], AbstractContextManager[Held]] = lock.hold,
) -> dict[str, Manifest]:
    """Brings every output up to date and returns their manifests.

    Raises InputError for an output folder that is not this pipeline's, RunError when an output would be empty,
    ConservationError when documents do not add up; what was finished before stays finished. A damaged file of the
    work folder is made again. The executor is closed. `hold` keeps the pipeline's folder and outputs from other runs.
    """
    with ExitStack() as stack:
        for name, folder in plan.graph.output_paths.items():
            folders.refuse_foreign(folder, plan.graph.name, name)
        make_work_folder(plan.work)
        holds = [
            stack.enter_context(hold(folder)) for folder in (plan.own, *plan.graph.output_paths.values())
        ]

        def still_held() -> None:
            for check in holds:
                check()

        record = record_run(plan.work, plan.graph.name, plan.graph.output_paths, listener, holds[0])
        emit = stack.enter_context(record)
        stack.callback(_remove_scratch, plan.own, holds[0])
        stack.callback(executor.close)  # no unit writes any more when scratch goes and the folders are free
        try:
            return repair(plan, emit, lambda: _execute(plan, executor, emit, still_held))
        except KeyboardInterrupt:
            still_held()  # a run that has lost a folder is interrupted, too
            raise


def _remove_scratch(own: Place, still_held: Held) -> None:
    """Removes what only the units of a run read, unless another run has taken over its pipeline's folder."""
    with suppress(RunError):
        still_held()
        for scratch in (VERBS, UNITS):
            remove_scratch(own / scratch)


def _execute(plan: Plan, executor: Executor, emit: Listener, still_held: Held) -> dict[str, Manifest]:
    outputs = plan.graph.outputs
    for name in outputs:
        folders.claim(plan.graph.output_paths[name], plan.graph.name, name)
    note_needs(plan, lambda message: emit(Note(message)))
    _remove_scratch(plan.own, still_held)  # of a run that was killed
    done = {
        name: folders.current_manifest(plan.graph.output_paths[name], plan.output_key(name))
        for name in outputs
    }
    for name, found in done.items():
        if found:
            folders.remove_staging(plan.graph.output_paths[name])  # of a run that was killed at its very end
    records = read_records(plan.shards)
    for planned in plan.shards:
        if planned.number in records:
            refuse_rejects(planned, records[planned.number])
    if all(done.values()):
        emit(Note("Nothing to do: every output is up to date."))
        return {name: Manifest.model_validate(found) for name, found in done.items()}
    run = Run(plan, executor, emit, still_held, share(plan, executor))
    emit(RunBegun(subjects(plan)))
    started = datetime.now(UTC)
    records = measure_pass(run, records)
    plan = run.plan = plan.with_first_rows({number: record.rows for number, record in records.items()})
    for name in outputs:
        # a clash is better found before the decisions
        carried_columns(run, plan.graph.stage_of(name), records)
    for depth in range(plan.graph.depth + 1):
        late_pass(run, depth)
        decide_pass(run, depth)
        verb_pass(run, depth, records)
    return {name: make_output(run, name, records, started) for name in outputs}


def measure_pass(run: Run, records: dict[int, ShardRecord]) -> dict[int, ShardRecord]:
    """Measures whatever is missing and returns every shard's record by its number; `records`: those known.

    Raises RunError for a record that is not there afterwards, ConservationError when rows do not add up.
    """
    plan = run.plan
    present = plan.present()
    for name in present:
        if name.endswith(".tmp"):
            remove_leftover(Path(name))
    units = []
    for planned in plan.shards:
        task = MeasureTask(planned, plan.missing(planned, present), planned.number not in records)
        if task.missing or task.describe:
            of = (Subject("source", planned.spec.name),)
            units.append(Unit(planned.name, task, max(planned.shard.bytes, 1), of=of))
    for event in check_measurements(plan, [unit.argument for unit in units], records):
        run.emit(event)
    if units:
        compile_kernels(run, units)
    run.map(
        "measure",
        measure,
        units,
        documents=lambda measured: measured.documents,
        counts=lambda of, measured: [Count(of[0], measured.documents)],
    )
    known = records | read_records(p for p in plan.shards if p.number not in records)
    for planned in plan.shards:
        record = known.get(planned.number)
        if record is None:
            raise RunError(
                f"{planned.name}: its record is missing after it was measured; is the work folder shared?"
            )
        rows, found = planned.shard.rows, record.documents + record.rejected
        if rows is not None and rows != found:
            message = (
                f"{planned.name}: {rows} rows in the file, {found} documents and rejects; please report this"
            )
            raise ConservationError(message)
    for source in plan.listed:
        run.finish(Subject("source", source), sum(known[p.number].documents for p in plan.of(source)))
    return known


def late_pass(run: Run, depth: int) -> None:
    """Measures what the stages at this depth measure on arrival alone."""
    units = []
    for task in late_tasks(run.plan, depth):
        source = task.planned.spec.name
        stages = (stage.name for stage in run.plan.stages_at(depth, source) if source in stage.costly)
        size, of = max(task.planned.shard.bytes, 1), stage_subjects(stages)
        units.append(Unit(task.planned.name, task, size, task.gpus, of=of))
    run.map("measure arrived", measure_arrived, units, documents=lambda measured: measured.documents)


def decide_pass(run: Run, depth: int) -> None:
    """Applies the rules of every stage at this depth."""
    tasks = decide_tasks(run.plan, depth)
    known = read_tallies(tasks, run.plan.present())
    stages = run.plan.graph.stages
    for event in check_decisions(stages, tasks, known):
        run.emit(event)
    units = [
        Unit(t.planned.name, t, of=stage_subjects(stage.name for stage in t.stages))
        for t, tallies in zip(tasks, known, strict=True)
        if tallies is None
    ]
    decided = run.map(
        "decide",
        decide,
        units,
        documents=lambda tallies: max(tally.arrived.documents for tally in tallies),
        counts=lambda of, tallies: [
            count_stage(stages[stage.name], [tally]) for stage, tally in zip(of, tallies, strict=True)
        ],
    )
    fresh = iter(decided)
    for task, tallies in zip(tasks, known, strict=True):
        for stage, found in zip(task.stages, tallies or next(fresh), strict=True):
            check_conservation(stage.name, task.planned.name, found)
            run.tallies[stage.name, task.planned.number] = found
    for resolved in stages.values():
        if resolved.depth == depth and resolved.verb is None:
            finish_stage(run, resolved)


def verb_pass(run: Run, depth: int, records: dict[int, ShardRecord]) -> None:
    """Runs the verbs of the stages at this depth."""
    plan = run.plan
    for stage in plan.graph.stages.values():
        if stage.depth != depth or stage.verb is None:
            continue
        key, of = plan.verb_keys[stage.name], Subject("stage", stage.name)
        there = {str(planned.verb_file(key)) for planned in plan.reaching(stage)} <= plan.present()
        run.emit(CacheChecked(of, stage.verb.name, int(there), int(not there)))
        dropped = None
        if not there:
            dropped = run_verb(run, stage, records, partial(_map_units, run, of))
        finish_stage(run, stage, dropped)


def _map_units(
    run: Run,
    stage: Subject,
    step: str,
    function: Callable[[Any], Any],
    arguments: Sequence[Any],
    /,
    *,
    memory: int = 0,
) -> list[Any]:
    """Runs a step of a stage's verb; how many follow, only the verb knows."""
    total = len(arguments)
    units = [
        Unit(f"{stage.name} {step} {number:06} of {total:06}", argument, memory=memory, of=(stage,))
        for number, argument in enumerate(arguments, 1)
    ]
    return run.map(step, function, units, more=True)
