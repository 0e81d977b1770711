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
from refinery.run.make import with_found
from refinery.run.manifest import Manifest
from refinery.run.measure import refuse_rejects
from refinery.run.nodes import share
from refinery.run.records import read_shard_records
from refinery.run.repair import repair
from refinery.run.walk import walk
from refinery.storage import lock
from refinery.storage.lock import Held
from refinery.storage.place import Place, remove_scratch
from refinery.watch.events import Listener, Note, RunBegun
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
        stack.callback(_remove_scratch, plan.work, holds[0])
        stack.callback(executor.close)  # no unit writes any more when scratch goes and the folders are free
        try:
            return repair(plan, emit, lambda: _execute(plan, executor, emit, still_held))
        except KeyboardInterrupt:
            still_held()  # a run that has lost a folder is interrupted, too
            raise


def _remove_scratch(work: Place, still_held: Held) -> None:
    """Removes what only the units of a run read, unless another run has taken over the work folder."""
    with suppress(RunError):
        still_held()
        for scratch in (VERBS, UNITS):
            remove_scratch(work / scratch)


def _execute(plan: Plan, executor: Executor, emit: Listener, still_held: Held) -> dict[str, Manifest]:
    plan = with_found(plan)
    why = reasons(plan.results, noted_derivations(plan.work, plan.graph.name))
    outputs = plan.graph.outputs
    for name in outputs:
        folders.claim(plan.graph.output_paths[name], plan.graph.name, name)
    note_needs(plan)
    note_derivations(plan)
    _remove_scratch(plan.work, still_held)  # of a run that was killed
    done = {
        name: folders.current_manifest(plan.graph.output_paths[name], plan.output_key(name))
        for name in outputs
    }
    for name, found in done.items():
        if found:
            folders.remove_staging(plan.graph.output_paths[name])  # of a run that was killed at its very end
    strict = [planned for planned in plan.shards if planned.spec.on_error == "fail"]
    records = read_shard_records(strict)
    for planned in strict:
        if planned.number in records:
            refuse_rejects(planned, records[planned.number])
    if outputs and all(done.values()):
        emit(Note("Nothing to do: every output is up to date."))
        return {name: Manifest.model_validate(found) for name, found in done.items()}
    records |= read_shard_records(planned for planned in plan.shards if planned.number not in records)
    run = Run(plan, executor, emit, still_held, share(plan, executor), records=records, reasons=why)
    emit(RunBegun(subjects(plan)))
    walk(run)
    return run.manifests
