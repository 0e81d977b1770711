"""Executes a plan from the first read to the manifest; whatever is there already is not done again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress

from refinery.errors import RunError
from refinery.executors.base import Executor
from refinery.plan.derivations import note_derivations, noted_derivations, reasons
from refinery.plan.needs import note_needs
from refinery.plan.plan import UNITS, VERBS, Plan
from refinery.run import folder as folders
from refinery.run.cache import subjects
from refinery.run.context import Run
from refinery.run.cost import estimate
from refinery.run.guards import judged_alike
from refinery.run.history import keep_run
from refinery.run.joined_tables import make_joined_tables, warn_of_joined_tables
from refinery.run.make import with_found
from refinery.run.manifest import Manifest
from refinery.run.measure import refuse_rejects
from refinery.run.nodes import share
from refinery.run.output import refuse_empty
from refinery.run.records import read_kept_records, read_shard_records
from refinery.run.repair import repair
from refinery.run.state import states
from refinery.run.walk import walk
from refinery.storage import lock
from refinery.storage.lock import Held
from refinery.storage.marks import records_of
from refinery.storage.place import Place, remove_scratch
from refinery.storage.work_folder import make_work_folder
from refinery.watch.events import Listener, Note, RunBegun
from refinery.watch.record import record_run


def execute(
    plan: Plan,
    executor: Executor,
    listener: Listener,
    hold: Callable[[Place], AbstractContextManager[Held]] = lock.hold,
) -> dict[str, Manifest]:
    """Brings every output up to date and returns their manifests.

    Raises InputError for an output folder that is not this pipeline's, RunError when a guard stops the run and for an
    output without a document, which is written with its decisions all the same, ConservationError when documents do
    not add up; what was finished before stays finished. A damaged file of the work folder is made again. The executor
    is closed. `hold` keeps the pipeline's folder and outputs from other runs.
    """
    with ExitStack() as stack:
        for name, folder in plan.graph.output_paths.items():
            folders.refuse_foreign(folder, plan.graph.name, name)
        make_work_folder(plan.work)
        holds = [
            stack.enter_context(hold(folder))
            for folder in (plan.own, *map(records_of, plan.graph.output_paths.values()))
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


def _noted(plan: Plan, tell: Callable[[str], None]) -> Plan:
    """The plan with the models and counts that are there; what it needs is noted, so that none of it is removed."""
    while True:
        found = with_found(plan)
        if not note_needs(found, tell):
            return found  # what was found before that may have been removed


def _execute(plan: Plan, executor: Executor, emit: Listener, still_held: Held) -> dict[str, Manifest]:
    outputs = plan.graph.outputs
    for name in outputs:
        folders.claim(plan.graph.output_paths[name], plan.graph.name, name)
    plan = _noted(plan, lambda message: emit(Note(message)))
    why = reasons(plan.results, noted_derivations(plan.work, plan.graph.name))
    _remove_scratch(plan.own, still_held)  # of a run that was killed
    done = {
        name: folders.current_manifest(plan.graph.output_paths[name], plan.output_key(name))
        for name in outputs
    }
    for name, found in done.items():
        if found and not judged_alike(found, plan.graph.definition.pipeline):
            done[name] = None
        elif found:
            folders.remove_staging(plan.graph.output_paths[name])  # of a run that was killed at its very end
    strict = [planned for planned in plan.shards if planned.spec.on_error == "fail"]
    kept = read_kept_records(plan)
    records = kept | read_shard_records(planned for planned in strict if planned.number not in kept)
    for planned in strict:
        if planned.number in records:
            refuse_rejects(planned, records[planned.number])
    if outputs and all(done.values()):
        emit(Note("Nothing to do: every output is up to date."))
        note_derivations(plan)
        manifests = {name: Manifest.model_validate(found) for name, found in done.items()}
        keep_run(Run(plan, executor, emit, still_held, records=records, manifests=manifests))
        refuse_empty(manifests, plan.graph.output_paths)
        return manifests
    records |= read_shard_records(planned for planned in plan.shards if planned.number not in records)
    shipped = share(plan, executor)
    make_joined_tables(plan, lambda message: emit(Note(message)))
    run = Run(plan, executor, emit, still_held, shipped, records=records, kept_records={*kept}, reasons=why)
    emit(RunBegun(subjects(plan)))
    warn_of_joined_tables(run)
    run.list_files()
    cost = estimate(plan, states(plan, run.present), run.present, executor.slots)
    run.estimated = cost.seconds / cost.pace
    walk(run)
    keep_run(run)
    note_derivations(run.plan)  # last: what a stopped run has left to do keeps its reasons
    refuse_empty(run.manifests, run.plan.graph.output_paths)
    return run.manifests
