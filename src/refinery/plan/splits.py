"""Outputs that are split: what tells a document's split, and the verbs above that must not cross it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import pyarrow as pa

from refinery.dedup.content import SCHEMA, Content
from refinery.dedup.split import WORDS, Split, joined, split_of
from refinery.definition.outputs import Output
from refinery.definition.yaml import Location
from refinery.errors import DefinitionError, nearest
from refinery.filters.carried import VALUE, Carried
from refinery.filters.predicate import columns_of, problems
from refinery.filters.values import PLAIN, is_plain
from refinery.plan.graph import Column, Measured, Measurement, PathColumn, ResolvedStage, View
from refinery.plan.problems import Report
from refinery.plan.verbs import Heads, file_path_problems, is_carried
from refinery.sources.column_settings import FILE
from refinery.sources.documents import SourceSpec
from refinery.storage.marks import is_json_text

Positions = dict[str, dict[str, Measured | PathColumn]]


def positions_of(
    outputs: Mapping[str, Output],
    stages: Mapping[str, ResolvedStage],
    views: Mapping[str, View],
    specs: Mapping[str, SourceSpec],
) -> Positions:
    """Of each source of an output that is split the columns that tell it; views: of sources, as stages get them."""
    found: Positions = {}
    for output in outputs.values():
        split, stage = split_of(output), stages.get(output.from_)
        if split is None or stage is None:
            continue
        for source in stage.sources:
            if source in views and source in specs:  # others are mistakes that have been reported
                told = _columns(split, views[source], specs[source], stage.columns[source])
                found.setdefault(source, {}).update(told)
    return found


def _columns(
    split: Split, view: View, spec: SourceSpec, there: Mapping[str, Column]
) -> Iterator[tuple[str, Measured | PathColumn]]:
    if not split.carried:
        (field,) = SCHEMA
        yield WORDS, Measured(Measurement(view.uncounted, Content()), field.name, field.type)
    for name, column in zip(split.needed, split.carried, strict=False):
        carried = Measured(
            Measurement(View(view.source), Carried(column, spec.table_of(column))), VALUE, pa.null()
        )
        yield name, PathColumn() if column == FILE else _of_files(there.get(column)) or carried


def _of_files(column: Column | None) -> Measured | None:
    """A column that is measured on one of the files: the same whatever stages are above."""
    if isinstance(column, Measured) and column.measurement.measurer.column and not is_carried(column):
        return column
    return None


def check_splits(
    outputs: Mapping[str, Output], stages: Mapping[str, ResolvedStage], heads: Heads, report: Report
) -> dict[str, Output]:
    """The outputs that are split and whose splits are sound.

    Reports conditions that are none, and columns that no source has or that have no plain values.
    """
    sound = {}
    for name, output in outputs.items():
        stage = stages.get(output.from_)
        if not output.split or stage is None or not heads.specs.keys() >= set(stage.sources):
            continue  # what is missing has been reported
        at: Location = ("outputs", name)
        found: list[tuple[Location, str]] = []
        if output.split_by:
            found += [(("split_by",), m) for m in _column_problems(output.split_by, stage, heads)]
        for split, sql in output.conditions.items():
            found += [(("split", split), m) for m in _condition_problems(sql, stage, heads)]
        for place, message in found:
            report((*at, *place), message)
        if not found:
            sound[name] = output
    return sound


def _condition_problems(sql: str, stage: ResolvedStage, heads: Heads) -> Iterator[str]:
    try:
        columns = columns_of(sql)
    except DefinitionError as error:
        yield from error.problems
        return
    wrong = problems(sql, dict.fromkeys(columns, pa.string()))
    yield from wrong or (message for name in columns for message in _column_problems(name, stage, heads))


def _column_problems(name: str, stage: ResolvedStage, heads: Heads) -> Iterator[str]:
    if any(_of_files(stage.columns[source].get(name)) for source in stage.sources):
        return
    found = [one for source in stage.sources if (one := heads.find(source, name))]
    if name == FILE:
        yield from file_path_problems(stage.sources, heads)
        return
    if not found:
        valid = {c for s in stage.sources for _, schema in heads.schemas(s) for c in schema.names}
        yield f"no source of {stage.name!r} has a column {name!r}{nearest(name, valid)}"
    for place, field in found:
        if not is_plain(field.type) and not is_json_text(field):
            yield f"{place}: the column {name!r} is {field.type}; it must be {PLAIN}"


def hold_out(
    outputs: Mapping[str, Output],
    stages: Mapping[str, ResolvedStage],
    positions: Positions,
    report: Report,
) -> dict[str, ResolvedStage]:
    """The stages, of which the verbs above a split output know how; reports those split in two ways."""
    found: dict[str, Split] = {}
    for output_name, output in outputs.items():
        split = split_of(output)
        if split is None:
            continue
        for name in _above(output.from_, stages):
            if stages[name].verb is None:
                continue
            both = joined(found.get(name, split), split)
            if both is None:
                message = f"another output below the stage {name!r}, whose verb serves one, is split by another thing"
                report(("outputs", output_name, "split"), message)
                break
            found[name] = both
    return {name: _holding_out(stage, found.get(name), positions) for name, stage in stages.items()}


def _above(last: str, stages: Mapping[str, ResolvedStage]) -> Iterable[str]:
    """A stage and those that it comes from."""
    wanted = [last] if last in stages else []
    for name in wanted:
        wanted += [parent for parent in stages[name].parents if parent in stages and parent not in wanted]
    return wanted


def _holding_out(stage: ResolvedStage, split: Split | None, positions: Positions) -> ResolvedStage:
    if stage.verb is None or split is None:
        return stage
    verb = stage.verb.holding_out(split)
    if verb is stage.verb:
        return stage
    needed = {
        source: stage.needed.get(source, {}) | {name: positions[source][name] for name in split.needed}
        for source in stage.sources
        if source in positions
    }
    return replace(stage, verb=verb, needed={**stage.needed, **needed})
