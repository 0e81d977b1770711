"""`refinery plan`: the passes, the shards, what is cached, and the recall that the bands promise."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from refinery.executors.limits import workers_here
from refinery.executors.local import default_workers
from refinery.plan.contents import contents_of
from refinery.plan.derivations import noted_derivations, reasons
from refinery.plan.result import calibration_name
from refinery.report.calibration import calibration_tables
from refinery.report.cost import cost_tables
from refinery.report.funnel import tokens_text
from refinery.report.grid import Grid
from refinery.report.parts import part_tables, verb_tables
from refinery.report.status import size_text
from refinery.run.cost import estimate, worker_memory, workers_worth
from refinery.run.folder import current_manifest
from refinery.run.history import past_runs
from refinery.run.make import with_usable
from refinery.run.manifest import Manifest
from refinery.run.state import State, states
from refinery.storage.url import redact

if TYPE_CHECKING:
    from refinery.filters.rules import Rule
    from refinery.plan.graph import ResolvedStage
    from refinery.plan.plan import Plan


def plan_tables(plan: Plan) -> Iterator[Grid | str]:
    """The tables that describe a plan, in the order of the work, and how large the work folder is by now."""
    plan = with_usable(plan)
    found = contents_of(plan.work)
    present = found.present
    yield _measure_pass(plan, present)
    if any(listed.passed_over for listed in plan.listed.values()):
        yield _passed_over(plan)
    yield f"tokens: {tokens_text(plan.graph.definition.pipeline.tokens)}"
    yield _stages(plan)
    for stage in plan.graph.stages.values():
        if stage.calibration:
            yield from calibration_tables(stage.calibration, stage.name)
    for stage in plan.graph.stages.values():
        yield from verb_tables(stage.name, stage.verb.explained() if stage.verb else ())
    yield _outputs(plan)
    yield from _parts(plan)
    yield _guards(plan)
    found_states = states(plan, present)
    if any(state.missing for state in found_states.values()):
        yield _to_make(plan, found_states)
        yield from cost_tables(estimate(plan, found_states, present, _workers(plan)))
    else:
        yield "To make: nothing, every result is there"
    if past := past_runs(plan.work, plan.graph.name):
        last = max(past[-1].outputs.values(), key=lambda manifest: manifest.started)
        yield f"the last run took {last.seconds.get('total', 0):,.0f} s (run {past[-1].number}, {last.started})"
    if found.sizes:
        yield f"work folder: {redact(str(plan.work))}, {size_text(found.sizes)}"


def plan_json(plan: Plan) -> dict[str, Any]:
    """What `plan_tables` tells of the work: what is to be made, why, and what that takes."""
    plan = with_usable(plan)
    present = contents_of(plan.work).present
    found = states(plan, present)
    why = _reasons(plan)
    return {
        "pipeline": plan.graph.name,
        "to_make": [
            {"result": name, "parts": state.parts, "missing": state.missing, "why": why[name]}
            for name, state in found.items()
            if state.missing
        ],
        "takes": asdict(estimate(plan, found, present, _workers(plan))),
    }


def _workers(plan: Plan) -> int:
    """As many as a run starts here."""
    return min(workers_here(default_workers(), worker_memory(plan)), workers_worth(plan))


def _reasons(plan: Plan) -> dict[str, list[str]]:
    """By result, why a run would make it, should it be missing."""
    before = noted_derivations(plan.work, plan.graph.name)
    if not before:
        return {name: ["the pipeline is new here"] for name in plan.results}
    why = reasons(plan.results, before)
    return {name: [*map(str, why[name])] or ["not there any more, or not yet"] for name in plan.results}


def _to_make(plan: Plan, found: Mapping[str, State]) -> Grid:
    """What a run would make, and the settings that differ from the last run."""
    table = Grid("To make", ("result", "parts", "why"))
    why = _reasons(plan)
    for name, state in found.items():
        if state.missing:
            missing = f"{state.missing:,} of {state.parts:,}" if state.parts > 1 else "all"
            table.add(name, missing, "\n".join(why[name]))
    return table


# What verbs have measured, which no definition names, in words.
_CALLED = {
    "content": "key texts",
    "minhash": "signatures",
    "size": "sizes",
    "carried": "columns of the files",
}


def _called(measurer: str) -> str:
    return _CALLED.get(measurer, measurer)


def _in_short(rules: Sequence[Rule]) -> Iterator[str]:
    """The names of rules; of a rule set that stands there with several, its name and their number."""
    for of_set, found in groupby(rules, key=lambda rule: rule.name.rpartition(".")[0] if rule.place else ""):
        names = [rule.name for rule in found]
        yield from [f"{of_set} ({len(names)} rules)"] if of_set and len(names) > 1 else names


def _measure_pass(plan: Plan, present: Container[str]) -> Grid:
    columns = ("source", "shards", "data", "measured", "to measure now")
    table = Grid("Sources: each text is read once for all that is measured", columns)
    for source, listed in plan.listed.items():
        shards = plan.of(source)
        size = decimal(sum(planned.shard.bytes for planned in shards))
        unread = [planned for planned in shards if str(planned.record_file) not in present]
        names: dict[str, int] = {}
        for planned in shards:
            for m in plan.missing(planned, present):
                name = _called(m.measurer.name)
                names[name] = names.get(name, 0) + 1
        missing = ", ".join(f"{name} on {count}" for name, count in names.items())
        todo = missing or (f"read {len(unread)}" if unread else "nothing: all cached")
        wanted = ", ".join(
            sorted({_called(m.measurer.name) for p in shards[:1] for m in plan.measurements(p)})
        )
        broken = f" ({len(listed.broken)} unreadable)" if listed.broken else ""
        table.add(source, f"{len(shards)}{broken}", size, wanted, todo)
    return table


def _stages(plan: Plan) -> Grid:
    columns = ("stage", "from", "measured on what comes", "rules", "then")
    table = Grid("Stages: decided by what is measured, without the texts", columns)
    for stage in plan.graph.stages.values():
        rules = ", ".join(_in_short(stage.rules)) + _calibrated(plan, stage)
        costly = ", ".join(sorted({m.measurer.name for found in stage.late.values() for m in found}))
        parents = ", ".join(stage.parents)
        verb = stage.verb.summary if stage.verb else ""
        table.add(stage.name, parents, costly, rules, verb)
    return table


def _calibrated(plan: Plan, stage: ResolvedStage) -> str:
    """By what the thresholds of a stage's rules are moved."""
    making = plan.graph.makings.get(calibration_name(stage.name))
    return f"; calibrated by {', '.join(making.maker.inputs['trusted'])}" if making else ""


def _passed_over(plan: Plan) -> Grid:
    """Files of the sources that are not read, by ending and reason."""
    table = Grid("Passed over", ("source", "files"))
    for source, listed in plan.listed.items():
        for passed_over in listed.passed_over:
            table.add(source, str(passed_over))
    return table


def _guards(plan: Plan) -> Grid:
    """What the run does not do in silence, with the shares that the definition has or that hold by default."""
    guards, table = plan.graph.definition.pipeline.guards, Grid("Guards", ("guard", "of", "the run"))
    for name, field in type(guards).model_fields.items():
        limit = getattr(guards, name)
        table.add(name, field.description or "", str(limit) if limit else "off")
    return table


def _parts(plan: Plan) -> Iterator[Grid]:
    """What outputs that are up to date have of the parts of a mix."""
    for name, folder in plan.graph.output_paths.items():
        if plan.graph.repeating(plan.graph.stage_of(name).name):
            current = current_manifest(folder, plan.output_key(name))
            yield from part_tables(Manifest.model_validate(current)) if current else ()


def _outputs(plan: Plan) -> Grid:
    columns = ("output", "from", "folder", "format", "order", "state")
    table = Grid("Outputs: the texts that are kept are read again and written", columns)
    for name, output in plan.graph.outputs.items():
        folder = plan.graph.output_paths[name]
        order = "input order" if output.shuffle is None else f"shuffled, seed {output.shuffle}"
        form = "token ids" if output.tokenize else output.format
        state = "up to date" if current_manifest(folder, plan.output_key(name)) else "to write"
        table.add(name, output.from_, redact(str(folder)), form, order, state)
    return table
