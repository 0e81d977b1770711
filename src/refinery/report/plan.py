"""`refinery plan`: the passes, the shards, what is cached, and the recall that the bands promise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Column, Table

from refinery.report.funnel import human_bytes
from refinery.run.folder import current_manifest
from refinery.storage.url import shown

if TYPE_CHECKING:
    from refinery.definition.models import Near
    from refinery.plan.graph import ResolvedStage
    from refinery.plan.plan import Plan

_SIMILARITIES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def plan_tables(plan: Plan) -> Iterator[Table]:
    """The tables that describe a plan, in the order of the work."""
    yield _measure_pass(plan)
    yield _stages(plan)
    for stage in plan.graph.stages.values():
        if stage.dedup and stage.dedup.near:
            yield _recall(stage.name, stage.dedup.near)
    yield _outputs(plan)


def _table(title: str, *headings: str) -> Table:
    """Nothing in it is cut in a narrow terminal or a pipe, but goes on in the next line."""
    return Table(*(Column(heading, overflow="fold") for heading in headings), title=title)


def _measure_pass(plan: Plan) -> Table:
    columns = ("source", "shards", "data", "measured on it", "to compute")
    table = _table("Measure pass (text read once; data as in the files, Parquet's uncompressed)", *columns)
    present = plan.present()
    for source, listed in plan.listed.items():
        shards = plan.of(source)
        size = human_bytes(sum(planned.shard.bytes for planned in shards))
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
    columns = ("pass", "stage", "from", "measured on arrival", "rules", "verb")
    table = _table("Decisions (no text read, but for what is measured on arrival)", *columns)
    for stage in sorted(plan.graph.stages.values(), key=lambda stage: stage.depth):
        rules = ", ".join(rule.name for rule in stage.rules)
        costly = ", ".join(sorted({m.measurer.name for found in stage.costly.values() for m in found}))
        parents = ", ".join(stage.parents)
        table.add_row(str(stage.depth + 1), stage.name, parents, costly, rules, _verb(stage))
    return table


def _verb(stage: ResolvedStage) -> str:
    if stage.select:
        return f"select {stage.select.tokens:,} tokens by {stage.select.by}"
    if stage.dedup:
        kinds = (["exact"] if stage.dedup.exact else []) + (["near"] if stage.dedup.near else [])
        return f"dedup {' + '.join(kinds)}" + (
            f", against {stage.dedup.against}" if stage.dedup.against else ""
        )
    return ""


def _recall(name: str, near: Near) -> Table:
    from refinery.dedup.bands import recall, split

    bands, rows = (
        (near.bands, near.rows) if near.bands and near.rows else split(near.similarity, near.num_perm)
    )
    title = (
        f"Near duplicates of {name}: {bands} bands of {rows} rows, removed from Jaccard {near.similarity} on"
    )
    table = _table(title, "Jaccard", *(str(s) for s in _SIMILARITIES))
    table.add_row("found", *(f"{recall(s, bands, rows):.3f}" for s in _SIMILARITIES))
    return table


def _outputs(plan: Plan) -> Table:
    columns = ("output", "from", "folder", "format", "order", "state")
    table = _table("Write pass (text of survivors read again)", *columns)
    for name, output in plan.graph.outputs.items():
        folder = plan.graph.output_paths[name]
        order = "input order" if output.shuffle is None else f"shuffled, seed {output.shuffle}"
        state = "up to date" if current_manifest(folder, plan.output_key(name)) else "to write"
        table.add_row(name, output.from_, shown(str(folder)), output.format, order, state)
    return table
