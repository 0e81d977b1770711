"""Executes a plan from the first read to the manifest; whatever is there already is not done again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from refinery.errors import ConservationError, RunError
from refinery.executors.base import Attempt, Executor, Unit, run_units
from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.run import account as accounts
from refinery.run import folder as folders
from refinery.run.costly import costly_tasks, measure_arrived
from refinery.run.decide import StageTally, Tally, decide, decide_task, decided
from refinery.run.ids import common_id_type
from refinery.run.manifest import Manifest, make_manifest
from refinery.run.measure import MeasureTask, ShardRecord, measure, read_records, refuse_rejects
from refinery.run.mend import mending
from refinery.run.output import write_output
from refinery.run.progress import Progress
from refinery.run.shared import share
from refinery.run.status import recorded
from refinery.run.verbs import run_verb
from refinery.storage.place import Place, place_of, remove_file, remove_scratch
from refinery.storage.schema import unify

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer

R = TypeVar("R")


@dataclass
class Run:
    """A plan being executed: where units run, who is told, what has been counted so far."""

    plan: Plan
    executor: Executor
    progress: Progress
    still_held: folders.Held  # raises RunError when another run has taken over a folder
    tallies: dict[tuple[str, int], StageTally] = field(default_factory=dict)  # by stage and shard number
    seconds: dict[str, float] = field(default_factory=dict)  # by phase

    def map(
        self,
        phase: str,
        function: Callable[[Any], R],
        units: Sequence[Unit[Any]],
        documents: Callable[[R], int] = lambda _: 0,
    ) -> list[R]:
        """Runs units as a phase with progress, results in order."""
        if not units:
            return []
        started = time.perf_counter()
        self.progress.start(phase, len(units), sum(unit.weight for unit in units))
        try:
            watcher = _Watcher(self.progress, documents, self.still_held)
            return run_units(self.executor, function, units, watcher)
        finally:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + time.perf_counter() - started


@dataclass(frozen=True)
class _Watcher:
    """Tells the progress of every attempt and how many documents a finished one was about; stops a run that lost a
    folder, for an interrupt may be ignored (in the background of a script, say).
    """

    progress: Progress
    documents: Callable[[Any], int]
    still_held: folders.Held

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        self.progress.begun(unit, attempt)

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt) -> None:
        self.still_held()
        failed = isinstance(ended.outcome, Exception)
        self.progress.ended(unit, attempt, ended, 0 if failed else self.documents(ended.outcome))


def execute(
    plan: Plan,
    executor: Executor,
    progress: Progress,
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

        progress = stack.enter_context(recorded(plan, progress, holds[0]))
        stack.callback(executor.close)  # no unit writes any more when the folders are free for another run
        try:
            return mending(plan, progress, lambda: _execute(plan, executor, progress, still_held))
        except KeyboardInterrupt:
            still_held()  # a run that has lost a folder is interrupted, too
            raise


def _execute(
    plan: Plan, executor: Executor, progress: Progress, still_held: folders.Held
) -> dict[str, Manifest]:
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
        progress.note("Nothing to do: every output is up to date.")
        return {name: Manifest.model_validate(found) for name, found in done.items()}
    share(plan, executor)
    run = Run(plan, executor, progress, still_held)
    started = datetime.now(UTC)
    records = measure_pass(run, records)
    for name in outputs:
        carried_columns(
            run, plan.graph.stage_of(name), records
        )  # a clash is better found before the decisions
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
            units.append(Unit(planned.name, task, max(planned.shard.bytes, 1)))
    if units:
        _compile_kernels(run, units)
    run.map("measure", measure, units, lambda measured: measured.documents)
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
    return known


def carried_columns(run: Run, stage: ResolvedStage, records: dict[int, ShardRecord]) -> pa.Schema:
    """The source columns that reach a stage, unified by name; raises InputError where their types clash."""
    return unify([(p.name, records[p.number].carried()) for p in run.plan.reaching(stage)])


def costly_pass(run: Run, depth: int) -> None:
    """Measures what the stages at this depth measure on arrival alone."""
    units = [
        Unit(task.planned.name, task, max(task.planned.shard.bytes, 1), task.gpus)
        for task in costly_tasks(run.plan, depth)
    ]
    run.map("measure arrived", measure_arrived, units, lambda measured: measured.documents)


def decide_pass(run: Run, depth: int) -> None:
    """Applies the rules of every stage at this depth."""
    plan = run.plan
    tasks = [
        decide_task(plan, planned, depth)
        for planned in plan.shards
        if depth in plan.depths(planned.spec.name)
    ]
    known = decided(tasks, plan.present())
    units = [Unit(t.planned.name, t) for t, tallies in zip(tasks, known, strict=True) if tallies is None]
    fresh = iter(run.map("decide", decide, units))
    for task, tallies in zip(tasks, known, strict=True):
        for found in tallies if tallies is not None else next(fresh):
            accounts.check_conservation(found.stage, task.planned.name, found)
            run.tallies[found.stage, task.planned.number] = found


def verb_pass(run: Run, depth: int) -> None:
    """Runs the global verbs of the stages at this depth."""
    plan = run.plan
    for stage in plan.graph.stages.values():
        if stage.depth != depth or not stage.is_global:
            continue
        key = plan.verb_keys[stage.name]
        if {str(planned.verb_file(key)) for planned in plan.reaching(stage)} <= plan.present():
            continue

        def map_units(
            step: str,
            function: Callable[[Any], Any],
            arguments: Sequence[Any],
            /,
            *,
            memory: int = 0,
            stage_name: str = stage.name,
        ) -> list[Any]:
            names = (
                f"{stage_name} {step} {n:06} of {len(arguments):06}" for n in range(1, len(arguments) + 1)
            )
            units = [Unit(n, argument, memory=memory) for n, argument in zip(names, arguments, strict=True)]
            return run.map(step, function, units)

        run_verb(plan, stage, map_units)


def _output(run: Run, name: str, records: dict[int, ShardRecord], started: datetime) -> Manifest:
    plan = run.plan
    key, folder = plan.output_key(name), plan.graph.output_paths[name]
    current = folders.current_manifest(folder, key)
    if current is not None:
        return Manifest.model_validate(current)
    staged = folders.staging(folder, key)
    stage = plan.graph.stage_of(name)
    shards = plan.reaching(stage)
    units = [
        Unit(p.name, accounts.account_task(plan, p, stage.name, staged / f"account-{i:06}.parquet"))
        for i, p in enumerate(shards)
    ]
    found = run.map("account", accounts.account, units)
    kept = sum((a.kept for a in found), Tally())
    if kept.documents == 0:
        remove_scratch(staged)
        raise RunError(_nothing_left(run, name, found, [(p, records[p.number]) for p in shards]))
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
    [decisions] = run.map("account", accounts.write_decisions, [Unit(f"decisions of {name}", decided)])
    rejects = None
    rejected = _rejects_task(plan, name, records, staged)
    if rejected.broken or rejected.shards:
        [rejects] = run.map("account", accounts.write_rejects, [Unit(f"rejects of {name}", rejected)])
    manifest = make_manifest(
        run, name, records, dict(zip(shards, found, strict=True)), layout, files, decisions, rejects, started
    )
    folders.finish(folder, staged, manifest, run.still_held)
    return manifest


def _rejects_task(
    plan: Plan, name: str, records: dict[int, ShardRecord], staged: Place
) -> accounts.RejectsTask:
    stage = plan.graph.stage_of(name)
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
    graph = run.plan.graph
    for (stage, _), stage_tally in run.tallies.items():
        if stage in graph.ancestors(graph.stage_of(name).name):
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
    missing = {m.key: m for unit in units for m in unit.argument.missing}
    started = time.perf_counter()
    run.progress.start("kernels", len(missing), len(missing))
    for measurement in missing.values():
        unit = Unit(measurement.measurer.name, measurement.measurer)
        run.progress.begun(unit, 1)
        begun = time.time()
        run.executor.prepare(measure_sample, measurement.measurer)
        run.progress.ended(unit, 1, Attempt(None, begun, time.time() - begun), 0)
    run.seconds["kernels"] = time.perf_counter() - started


def measure_sample(measurer: Measurer) -> None:
    """Measures a few words, so that kernels get compiled and models read."""
    from refinery.text.batch import TextBatch

    measurer(TextBatch.from_texts(["A few words, 一些字。\n\nAnd a second paragraph, to be measured."]))
