"""Executes a plan from the first read to the manifest; whatever is there already is not done again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from refinery.errors import ConservationError, RunError
from refinery.executors.base import Executor, Unit
from refinery.executors.local import InProcess
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.run import account as accounts
from refinery.run import folder as folders
from refinery.run.cache import check_decisions, check_measurements, count_stage, subjects
from refinery.run.context import Run
from refinery.run.costly import costly_tasks, measure_arrived
from refinery.run.decide import Tally, decide, decide_task, decided
from refinery.run.ids import common_id_type
from refinery.run.manifest import Manifest, make_manifest
from refinery.run.measure import MeasureTask, ShardRecord, measure, read_records, refuse_rejects
from refinery.run.mend import mending
from refinery.run.output import write_output
from refinery.run.shared import share
from refinery.run.verbs import run_verb
from refinery.storage.place import Place, place_of, remove_file, remove_scratch
from refinery.storage.schema import unify
from refinery.watch.events import CacheChecked, Count, Listener, Note, RunBegun, Subject
from refinery.watch.record import record_run

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer


def execute(
    plan: Plan,
    executor: Executor,
    listener: Listener,
    hold: Callable[[Place], AbstractContextManager[folders.Held]] = folders.held,
) -> dict[str, Manifest]:
    """Brings every output up to date and returns their manifests.

    Raises InputError for an output folder that is not this pipeline's, RunError when an output would be empty,
    ConservationError when documents do not add up; what was finished before stays finished. A damaged file of the
    work folder is made again. The executor is closed. `hold` keeps a folder from other runs.
    """
    with ExitStack() as stack:
        for name, folder in plan.graph.output_paths.items():
            folders.refuse_foreign(folder, plan.graph.name, name)
        holds = [
            stack.enter_context(hold(folder)) for folder in (plan.work, *plan.graph.output_paths.values())
        ]

        def still_held() -> None:
            for check in holds:
                check()

        record = record_run(plan.work, plan.graph.name, plan.graph.output_paths, listener, holds[0])
        emit = stack.enter_context(record)
        stack.callback(executor.close)  # no unit writes any more when the folders are free for another run
        try:
            return mending(plan, emit, lambda: _execute(plan, executor, emit, still_held))
        except KeyboardInterrupt:
            still_held()  # a run that has lost a folder is interrupted, too
            raise


def _execute(plan: Plan, executor: Executor, emit: Listener, still_held: folders.Held) -> dict[str, Manifest]:
    outputs = plan.graph.outputs
    for name in outputs:
        folders.claim(plan.graph.output_paths[name], plan.graph.name, name)
    remove_scratch(plan.work / "verbs")  # scratch of a run that was killed
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
    share(plan, executor)
    run = Run(plan, executor, emit, still_held)
    emit(RunBegun(subjects(plan)))
    started = datetime.now(UTC)
    records = measure_pass(run, records)
    for name in outputs:
        carried_columns(run, plan.graph.stages[name], records)  # a clash is better found before the decisions
    for depth in range(plan.graph.depth + 1):
        costly_pass(run, depth)
        decide_pass(run, depth)
        verb_pass(run, depth)
    return {name: _output(run, name, records, started) for name in outputs}


def measure_pass(run: Run, records: dict[int, ShardRecord]) -> dict[int, ShardRecord]:
    """Measures whatever is missing and returns every shard's record by its number; `records`: those known."""
    plan = run.plan
    present = plan.present()
    for name in present:
        if name.endswith(".tmp"):  # of a process that was killed
            remove_file(place_of(name))
    units = []
    for planned in plan.shards:
        task = MeasureTask(planned, plan.missing(planned, present), planned.number not in records)
        if task.missing or task.describe:
            of = (Subject("source", planned.spec.name),)
            units.append(Unit(planned.name, task, max(planned.shard.bytes, 1), of=of))
    for event in check_measurements(plan, units, records):
        run.emit(event)
    if units:
        _compile_kernels(run, units)
    run.map(
        "measure",
        measure,
        units,
        documents=lambda measured: measured.documents,
        counts=lambda unit, measured: [Count(unit.of[0], measured.documents)],
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


def carried_columns(run: Run, stage: ResolvedStage, records: dict[int, ShardRecord]) -> pa.Schema:
    """The source columns that reach a stage, unified by name; raises InputError where their types clash."""
    return unify([(p.name, records[p.number].carried()) for p in run.plan.reaching(stage)])


def costly_pass(run: Run, depth: int) -> None:
    """Measures what the stages at this depth measure on arrival alone."""
    units = [
        Unit(task.planned.name, task, max(task.planned.shard.bytes, 1), task.gpus, of=_of(task.stages))
        for task in costly_tasks(run.plan, depth)
    ]
    run.map("measure arrived", measure_arrived, units, documents=lambda measured: measured.documents)


def decide_pass(run: Run, depth: int) -> None:
    """Applies the rules of every stage at this depth."""
    plan = run.plan
    tasks = [
        decide_task(plan, planned, depth)
        for planned in plan.shards
        if depth in plan.depths(planned.spec.name)
    ]
    known = decided(tasks, plan.present())
    for event in check_decisions(tasks, known):
        run.emit(event)
    units = [
        Unit(t.planned.name, t, of=_of(t.stages))
        for t, tallies in zip(tasks, known, strict=True)
        if tallies is None
    ]
    stages = plan.graph.stages
    decisions = run.map(
        "decide",
        decide,
        units,
        documents=lambda tallies: max(t.arrived.documents for t in tallies),
        counts=lambda _, tallies: [count_stage(stages[t.stage], [t]) for t in tallies],
    )
    fresh = iter(decisions)
    for task, tallies in zip(tasks, known, strict=True):
        for found in tallies if tallies is not None else next(fresh):
            accounts.check_conservation(found.stage, task.planned.name, found)
            run.tallies[found.stage, task.planned.number] = found
    for stage in stages.values():
        if stage.depth == depth and not stage.is_global:
            _finish_stage(run, stage)


def verb_pass(run: Run, depth: int) -> None:
    """Runs the global verbs of the stages at this depth."""
    plan = run.plan
    for stage in plan.graph.stages.values():
        if stage.depth != depth or not stage.is_global:
            continue
        key = plan.verb_keys[stage.name]
        there = {str(planned.verb_file(key)) for planned in plan.reaching(stage)} <= plan.present()
        run.emit(CacheChecked(Subject("stage", stage.name), "verb", int(there), int(not there)))
        if not there:
            run_verb(plan, stage, partial(_map_units, run, Subject("stage", stage.name)))
        _finish_stage(run, stage)


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
    """Runs a step of a stage's verb: how many steps follow, only the verb knows."""
    total = len(arguments)
    units = [
        Unit(f"{stage.name} {step} {n:06} of {total:06}", argument, memory=memory, of=(stage,))
        for n, argument in enumerate(arguments, 1)
    ]
    return run.map(step, function, units, more=True)


def _of(stages: Sequence[ResolvedStage]) -> tuple[Subject, ...]:
    return tuple(Subject("stage", stage.name) for stage in stages)


def _finish_stage(run: Run, stage: ResolvedStage) -> None:
    """Tells what came to a stage and what it kept, if its rules alone decide that."""
    count = count_stage(stage, [run.tallies[stage.name, p.number] for p in run.plan.reaching(stage)])
    run.finish(count.of, count.documents, count.kept)


def _output(run: Run, name: str, records: dict[int, ShardRecord], started: datetime) -> Manifest:
    plan = run.plan
    key, folder = plan.output_key(name), plan.graph.output_paths[name]
    of = Subject("output", name)
    current = folders.current_manifest(folder, key)
    run.emit(CacheChecked(of, "output", int(current is not None), int(current is None)))
    if current is not None:
        manifest = Manifest.model_validate(current)
        run.finish(of, manifest.kept.documents, manifest.kept.documents)
        return manifest
    staged = folders.staging(folder, key)
    shards = plan.reaching(plan.graph.stages[name])
    units = [
        Unit(p.name, accounts.account_task(plan, p, name, staged / f"account-{i:06}.parquet"), of=(of,))
        for i, p in enumerate(shards)
    ]
    found = run.map(
        "account", accounts.account, units, counts=lambda _, a: [Count(of, a.kept.documents)], more=True
    )
    _finish_verbs(run, name, found)
    kept = sum((a.kept for a in found), Tally())
    if kept.documents == 0:
        remove_scratch(staged)
        raise RunError(_nothing_left(run, name, found, [(p, records[p.number]) for p in shards]))
    stage = plan.graph.stages[name]
    id_type = common_id_type(records[planned.number].id_type() for planned in shards)
    layout, files = write_output(run, name, carried_columns(run, stage, records), id_type, staged)
    written = sum(file.rows for file in files)
    if written != kept.documents:
        raise ConservationError(
            f"output {name}: {kept.documents} documents were kept but {written} written; please report this"
        )
    decided = accounts.DecisionsTask(
        staged / "decisions.parquet", tuple(unit.argument.part for unit in units)
    )
    last = [Unit(f"decisions of {name}", decided, of=(of,))]
    [decisions] = run.map("account", accounts.write_decisions, last, more=True)
    rejects = None
    rejected = _rejects_task(plan, name, records, staged)
    if rejected.broken or rejected.shards:
        last_rejects = [Unit(f"rejects of {name}", rejected, of=(of,))]
        [rejects] = run.map("account", accounts.write_rejects, last_rejects, more=True)
    manifest = make_manifest(
        run, name, records, dict(zip(shards, found, strict=True)), layout, files, decisions, rejects, started
    )
    folders.finish(folder, staged, manifest, run.still_held)
    run.finish(of, kept.documents, written)
    return manifest


def _finish_verbs(run: Run, output: str, found: Sequence[accounts.ShardAccount]) -> None:
    """Tells what the stages above an output kept, their verbs included."""
    graph = run.plan.graph
    for name in graph.ancestors(output):
        before = run.finished[Subject("stage", name)]
        kept = sum((a.stage_kept[name].documents for a in found if name in a.stage_kept), 0)
        run.finish(before.of, before.documents, kept)


def _rejects_task(
    plan: Plan, name: str, records: dict[int, ShardRecord], staged: Place
) -> accounts.RejectsTask:
    stage = plan.graph.stages[name]
    broken = ((source, plan.listed[source].broken) for source in stage.sources)
    return accounts.RejectsTask(
        staged / "rejects.parquet",
        tuple((source, files) for source, files in broken if files),
        tuple(planned for planned in plan.reaching(stage) if records[planned.number].rejected),
    )


def _nothing_left(
    run: Run,
    name: str,
    found: list[accounts.ShardAccount],
    shards: Sequence[tuple[PlannedShard, ShardRecord]],
) -> str:
    dropped = Counter[str]()
    for (stage, _), stage_tally in run.tallies.items():
        if stage in run.plan.graph.ancestors(name):
            for rule, count in stage_tally.dropped.items():
                dropped[f"{stage}: {rule} dropped"] += count.documents
    for one in found:
        for stage, rules in one.verb_dropped.items():
            for rule, count in rules.items():
                dropped[f"{stage}: {rule} dropped"] += count.documents
    unread = Counter[str]()
    for planned, record in shards:
        for reason, number in record.reasons.items():
            unread[f"{planned.spec.name}: {reason} rejected"] += number
        for reason, number in record.skipped.items():
            unread[f"{planned.spec.name}: {reason} skipped"] += number
    reasons = ", ".join(f"{why} {number:,}" for why, number in (dropped + unread).most_common(5))
    read = sum(one.rows - one.rejected for one in found)
    rejected = sum(one.rejected for one in found)
    return (
        f"output {name}: no document is left of {read:,} read in {len(shards)} shards ({rejected:,} rows rejected). "
        f"{reasons or 'The sources hold no documents'}. Nothing was written."
    )


def _compile_kernels(run: Run, units: Sequence[Unit[MeasureTask]]) -> None:
    """Has a machine compile once what its workers will use; the result is cached on its disk."""
    if run.executor.slots == 1 and len(units) == 1:
        return
    missing = {m.key: m.measurer for unit in units for m in unit.argument.missing}
    of = tuple(dict.fromkeys(subject for unit in units for subject in unit.of))
    prepared = [Unit(measurer.name, measurer, of=of) for measurer in missing.values()]
    prepare = partial(run.executor.prepare, measure_sample)
    replace(run, executor=InProcess()).map("kernels", prepare, prepared, more=True)


def measure_sample(measurer: Measurer) -> None:
    """Measures a few words, so that kernels get compiled and models read."""
    from refinery.text.batch import TextBatch

    measurer(TextBatch.from_texts(["A few words, 一些字。\n\nAnd a second paragraph, to be measured."]))
