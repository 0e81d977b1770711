"""`refinery plan`: the passes, the shards, what is cached, and the recall that the bands promise."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from rich.filesize import decimal
from rich.table import Column, Table

from refinery.plan.contents import contents_of
from refinery.plan.derivations import noted_derivations, reasons
from refinery.report.status import size_text
from refinery.run.folder import current_manifest
from refinery.run.make import with_usable
from refinery.run.state import states
from refinery.storage.url import redact

if TYPE_CHECKING:
    from refinery.plan.plan import Plan


def plan_tables(plan: Plan) -> Iterator[Table | str]:
    """The tables that describe a plan, in the order of the work, and how large the work folder is by now."""
    plan = with_usable(plan)
    found = contents_of(plan.work)
    present = found.present
    yield _measure_pass(plan, present)
    if any(listed.passed_over for listed in plan.listed.values()):
        yield _passed_over(plan)
    yield _stages(plan)
    for stage in plan.graph.stages.values():
        for explained in stage.verb.explained() if stage.verb else ():
            table = _table(f"{stage.name}: {explained.title}", *explained.columns)
            for row in explained.rows:
                table.add_row(*row)
            yield table
    yield _outputs(plan)
    yield _guards(plan)
    yield _to_make(plan, present)
    if found.sizes:
        yield f"work folder: {redact(str(plan.work))}, {size_text(found.sizes)}"


def _to_make(plan: Plan, present: Container[str]) -> Table:
    """What a run would make, and the settings that differ from the last run."""
    table = _table("To make", "result", "parts", "why")
    before = noted_derivations(plan.work, plan.graph.name)
    why = reasons(plan.results, before)
    for name, state in states(plan, present).items():
        if state.missing:
            missing = f"{state.missing:,} of {state.parts:,}" if state.parts > 1 else "all"
            changed = "\n".join(map(str, why[name])) if before else "the pipeline is new here"
            table.add_row(name, missing, changed or "not there any more, or not yet")
    return table


def _table(title: str, *headings: str) -> Table:
    """Nothing in it is cut in a narrow terminal or a pipe, but goes on in the next line."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), title=title)


def _measure_pass(plan: Plan, present: Container[str]) -> Table:
    columns = ("source", "shards", "data", "measured on it", "to compute")
    table = _table("Measure pass (text read once; data as in the files, Parquet's uncompressed)", *columns)
    for source, listed in plan.listed.items():
        shards = plan.of(source)
        size = decimal(sum(planned.shard.bytes for planned in shards))
        unread = [planned for planned in shards if str(planned.record_file) not in present]
        names: dict[str, int] = {}
        for planned in shards:
            for m in plan.missing(planned, present):
                names[m.measurer.name] = names.get(m.measurer.name, 0) + 1
        missing = ", ".join(f"{name} on {count}" for name, count in names.items())
        todo = missing or (f"read {len(unread)}" if unread else "nothing: all cached")
        wanted = ", ".join(sorted({m.measurer.name for p in shards[:1] for m in plan.measurements(p)}))
        broken = f" ({len(listed.broken)} unreadable)" if listed.broken else ""
        table.add_row(source, f"{len(shards)}{broken}", size, wanted, todo)
    return table


def _stages(plan: Plan) -> Table:
    columns = ("stage", "from", "measured on arrival", "rules", "verb")
    table = _table("Decisions (no text read, but for what is measured on arrival)", *columns)
    for stage in plan.graph.stages.values():
        rules = ", ".join(rule.name for rule in stage.rules)
        costly = ", ".join(sorted({m.measurer.name for found in stage.late.values() for m in found}))
        parents = ", ".join(stage.parents)
        verb = stage.verb.summary if stage.verb else ""
        table.add_row(stage.name, parents, costly, rules, verb)
    return table


def _passed_over(plan: Plan) -> Table:
    """Files of the sources that are not read, by ending and reason."""
    table = _table("Passed over", "source", "files")
    for source, listed in plan.listed.items():
        for passed_over in listed.passed_over:
            table.add_row(source, str(passed_over))
    return table


def _guards(plan: Plan) -> Table:
    """What the run does not do in silence, with the shares that the definition has or that hold by default."""
    guards, table = plan.graph.definition.pipeline.guards, _table("Guards", "guard", "of", "the run")
    for name, field in type(guards).model_fields.items():
        limit = getattr(guards, name)
        table.add_row(name, field.description, str(limit) if limit else "off")
    return table


def _outputs(plan: Plan) -> Table:
    columns = ("output", "from", "folder", "format", "order", "state")
    table = _table("Write pass (text of survivors read again)", *columns)
    for name, output in plan.graph.outputs.items():
        folder = plan.graph.output_paths[name]
        order = "input order" if output.shuffle is None else f"shuffled, seed {output.shuffle}"
        state = "up to date" if current_manifest(folder, plan.output_key(name)) else "to write"
        table.add_row(name, output.from_, redact(str(folder)), output.format, order, state)
    return table
