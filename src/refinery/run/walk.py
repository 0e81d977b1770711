"""The walk: of all results, those whose inputs are made are made, those of one kind together, until none is left.

Measurements that are ready together share one read of the text, and stages whose rules are ready together one unit a
shard. Whether a result is there already is looked at when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from typing import TypeAlias

from refinery.errors import ConservationError, RunError
from refinery.executors.base import Unit
from refinery.models.maker import Made
from refinery.plan.needs import note_needs
from refinery.plan.result import MADE, Kind, Result
from refinery.run import guards
from refinery.run.cache import check_decisions, check_measurements, count_stage, finish_stage, stage_subjects
from refinery.run.claimed import claimed
from refinery.run.context import Run
from refinery.run.decide import check_conservation, decide, decide_tasks, read_tallies
from refinery.run.kernels import compile_kernels
from refinery.run.make import make, with_made
from refinery.run.measure import MeasureTask, measure, refuse_rejects
from refinery.run.measure_late import late_tasks, measure_arrived
from refinery.run.nodes import share
from refinery.run.outcome import read_largest, read_warnings
from refinery.run.output import carried_columns, make_output
from refinery.run.records import keep_records, read_shard_records
from refinery.run.state import shards_state
from refinery.run.verbs import run_verb
from refinery.sources.documents import Shard
from refinery.sources.inventory import keep_hashes
from refinery.sources.limit import LEFT_OUT
from refinery.sources.lineage import read_lineage
from refinery.sources.packs import write_members
from refinery.watch.events import Count, Note, Subject

Group: TypeAlias = Sequence[Result]


def walk(run: Run) -> None:
    """Makes all results of the run's plan.

    Raises RunError for a record that is not there when it was made and for an output that would be empty,
    ConservationError when documents do not add up.
    """
    made: set[str] = set()
    while group := _next(run.plan.results, made):
        step = next(step for kinds, step in STEPS if group[0].kind in kinds)
        with claimed(run, group) as mine:
            step(run, mine)
        made.update(result.name for result in mine)
    if run.heard is None:  # what a killed worker has left goes
        run.list_files()


def _next(results: Mapping[str, Result], made: Collection[str]) -> list[Result]:
    """What can be made together now: the first step, in the order of STEPS, that has a result that is ready."""
    for kinds, _ in STEPS:
        waiting = [result for name, result in results.items() if name not in made and result.kind in kinds]
        ready: dict[str, Result] = {}
        for result in waiting:
            # in the order of inputs, so that decisions that only wait for each other go together
            if all(one in made or (one in ready and _together(result, ready[one])) for one in result.inputs):
                ready[result.name] = result
        if ready:
            return list(ready.values())
    return []


def _together(result: Result, needed: Result) -> bool:
    """Whether units make a result and one that it needs at once: documents are read as they are measured."""
    return result.kind in {Kind.MEASUREMENT, Kind.DECISION} and needed.kind in {Kind.DOCUMENTS, Kind.DECISION}


def measure_pass(run: Run, group: Group) -> None:
    """Reads every shard once for all that is measured on it now.

    Raises RunError for a record that is not there afterwards and for a source that has no or too few documents,
    ConservationError when rows do not add up.
    """
    plan, records = run.plan, run.records
    read = {result.of.name for result in group}
    _know_what_others_read(run)
    _list_packs(run, read)
    units = _measure_units(run, group)
    check_measurements(run, group, [unit.argument for unit in units])
    # documents that are read again, to measure more, are not counted again
    counted = {result.of for result in group if result.kind is Kind.DOCUMENTS}
    if units:
        compile_kernels(run, units)
    run.map(
        "measure",
        measure,
        units,
        documents=lambda measured: measured.documents,
        counts=lambda of, measured: [Count(of[0], measured.documents)] if of[0] in counted else [],
    )
    described = {unit.argument.planned.number for unit in units if unit.argument.describe}
    records |= read_shard_records(p for p in plan.shards if p.number in described)
    _check_records(run, read)
    for source in read:
        keep_hashes(plan.listed[source].inventory, _hashes(run, source, described))
        numbers = {planned.number for planned in plan.of(source)}
        if numbers & described or not numbers <= run.kept_records:
            keep_records(plan, source, records)
            run.kept_records |= numbers
    run.plan = plan.with_first_rows({number: record.rows for number, record in records.items()})
    if len(records) == len(plan.shards):
        for name in plan.graph.outputs:  # a clash is better found before the decisions
            carried_columns(run, plan.graph.stage_of(name))
    measured = {one.of for one in plan.results.values() if one.kind is Kind.MEASUREMENT}
    waiting = measured - {result.of for result in group}
    users = [source for source in run.plan.graph.definition.pipeline.sources if source in read]
    guards.judge(run, guards.rejected(run, users))
    for source in read:
        keys = {r.parts[source] for r in group if source in r.parts}
        guards.warn_of_nulls(run, source, keys)
        if Subject("source", source) not in waiting:
            run.finish(Subject("source", source), sum(records[p.number].documents for p in plan.of(source)))


def _list_packs(run: Run, sources: Container[str]) -> None:
    """Writes the lists of files that units read of packs."""
    for planned in run.plan.shards:
        pack = planned.shard.pack
        if pack and planned.spec.name in sources and str(pack.files) not in run.present:
            write_members(planned.shard, run.plan.listed[planned.spec.name].members[planned.shard.index])


def _hashes(run: Run, source: str, described: Container[int]) -> Iterator[tuple[Shard, str]]:
    """The hashes of files of a source: those of packs that have just been read, all others."""
    members = run.plan.listed[source].members
    for planned in run.plan.of(source):
        shard = planned.shard
        if shard.pack is None:
            yield shard, run.records[planned.number].hash
        elif planned.number in described:
            files = read_lineage(shard.pack.lineage)
            yield from zip(members[shard.index], (file.hash for file in files), strict=True)


def _measure_units(run: Run, group: Group) -> list[Unit[MeasureTask]]:
    """A unit for each shard of which a result of the group is missing."""
    keys: dict[str, set[str]] = {}
    for result in group:
        for source, key in result.parts.items():
            keys.setdefault(source, set()).add(key)
    documents = {result.of.name for result in group if result.kind is Kind.DOCUMENTS}
    units = []
    for source in dict.fromkeys(result.of.name for result in group):
        for planned in run.plan.of(source):
            known = planned.number in run.records and str(planned.record_file) in run.present
            missing = run.plan.missing(planned, run.present, keys.get(source, ()))
            task = MeasureTask(planned, missing, source in documents and not known)
            if task.missing or task.describe:
                size = max(planned.shard.bytes, 1)
                units.append(Unit(planned.name, task, size, of=(Subject("source", source),)))
    return units


def _know_what_others_read(run: Run) -> None:
    """Reads the records of shards that runs of other pipelines have read since this one began."""
    unknown = (planned for planned in run.plan.shards if planned.number not in run.records)
    found = read_shard_records(p for p in unknown if str(p.record_file) in run.present)
    for number, record in found.items():
        if run.plan.shards[number].spec.on_error == "fail":
            refuse_rejects(run.plan.shards[number], record)
    run.records |= found


def _check_records(run: Run, sources: Container[str]) -> None:
    for planned in run.plan.shards:
        if planned.spec.name not in sources:
            continue
        record = run.records.get(planned.number)
        if record is None:
            raise RunError(f"{planned.name}: its record is missing after it was measured; run again")
        rows = planned.shard.rows
        found = record.documents + record.rejected + record.skipped.get(LEFT_OUT, 0)
        if rows is not None and rows != found:
            message = (
                f"{planned.name}: {rows} rows in the file, {found} documents and rejects; please report this"
            )
            raise ConservationError(message)


def arrival_pass(run: Run, group: Group) -> None:
    """Measures what came to stages."""
    units = []
    wanted: dict[str, set[str]] = {}
    for result in group:
        wanted.setdefault(result.of.name, set()).update(result.parts.values())
    for task in late_tasks(run.plan, wanted):
        source = task.planned.spec.name
        stages = [name for name in wanted if source in run.plan.graph.stages[name].late]
        size, of = max(task.planned.shard.bytes, 1), stage_subjects(stages)
        units.append(Unit(task.planned.name, task, size, task.gpus, of=of))
    measured = run.map("measure arrived", measure_arrived, units, documents=lambda one: one.documents)
    new = sum(one.documents > 0 for one in measured)
    for result in group:
        name = result.name.removeprefix(f"stages.{result.of.name}.")
        run.checked(result, f"arrival {name}", len(units) - new, new)


def decision_pass(run: Run, group: Group) -> None:
    """Applies the rules of stages."""
    names = [result.of.name for result in group]
    tasks = decide_tasks(run.plan, names)
    known = read_tallies(tasks, run.present)
    stages = run.plan.graph.stages
    check_decisions(run, group, tasks, known)
    missing = []
    for task, tallies in zip(tasks, known, strict=True):
        absent = {stage.name for stage, one in zip(task.stages, tallies, strict=True) if one is None}
        if absent:
            missing.append(task.only(absent))
    decided = run.map(
        "decide",
        decide,
        [Unit(t.planned.name, t, of=stage_subjects(stage.name for stage in t.stages)) for t in missing],
        documents=lambda tallies: max(tally.arrived.documents for tally in tallies),
        counts=lambda of, tallies: [
            count_stage(stages[stage.name], [tally]) for stage, tally in zip(of, tallies, strict=True)
        ],
    )
    for made, counts in [*zip(tasks, known, strict=True), *zip(missing, decided, strict=True)]:
        for stage, found in zip(made.stages, counts, strict=True):
            if found:
                check_conservation(stage.name, made.planned.name, found)
                run.tallies[stage.name, made.planned.number] = found
    for name in names:
        if stages[name].verb is None:
            finish_stage(run, stages[name])


def outcome_pass(run: Run, group: Group) -> None:
    """Runs the verbs of stages."""
    for result in group:
        stage = run.plan.graph.stages[result.of.name]
        if stage.verb is None:
            continue
        there = not shards_state(run.plan, result, run.present).missing
        run.checked(result, stage.verb.name, int(there), int(not there))
        dropped = None if there else run_verb(run, stage, run.map_units(result.of))
        if reached := run.plan.reaching(stage):
            file = reached[0].verb_file(result.key)  # every file of an outcome tells of all of it
            largest = read_largest(file)
            guards.judge(run, guards.duplicates_of_one(stage.name, largest))
            for message in read_warnings(file):
                run.warn(result.of, message)
        finish_stage(run, stage, dropped)


def making_pass(run: Run, group: Group) -> None:
    """Makes models or counts, and has the definition resolved with those that the plan does not know."""
    made: dict[str, Made] = {}
    for result in group:
        made[result.name] = make(run, result)
        if making := run.plan.graph.makings.get(result.name):  # a model's sample has something to tell, too
            for message in making.maker.warnings(made[result.name].folder):
                run.warn(result.of, message)
        if result.kind is Kind.MODEL:
            run.finish(result.of)
    if not made.items() <= run.plan.made.items():
        _know(run, made)
    for result in group:
        stage = run.plan.graph.stages.get(result.of.name)
        if result.kind is Kind.CALIBRATION and stage and stage.calibration:
            for note in stage.calibration.notes:
                run.warn(result.of, f"calibrate: {note}")


def _know(run: Run, made: Mapping[str, Made]) -> None:
    """Has the definition resolved with models, counts and calibrations."""
    run.plan = with_made(run.plan, {**run.plan.made, **made})
    note_needs(run.plan, lambda message: run.emit(Note(message)))
    run.shipped = share(run.plan, run.executor)


def output_pass(run: Run, group: Group) -> None:
    """Writes outputs."""
    for result in group:
        run.manifests[result.of.name] = make_output(run, result.of.name)


# In the order in which they are chosen when several have something that is ready.
STEPS: tuple[tuple[frozenset[Kind], Callable[[Run, Group], None]], ...] = (
    (frozenset({Kind.DOCUMENTS, Kind.MEASUREMENT}), measure_pass),
    (MADE, making_pass),
    (frozenset({Kind.ARRIVAL}), arrival_pass),
    (frozenset({Kind.DECISION}), decision_pass),
    (frozenset({Kind.OUTCOME}), outcome_pass),
    (frozenset({Kind.OUTPUT}), output_pass),
)
