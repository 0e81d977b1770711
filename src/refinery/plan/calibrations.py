"""Stages whose rules are calibrated: what is measured of the trusted text, and the rules once they are moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from refinery.errors import DefinitionError, nearest
from refinery.filters.predicate import columns_of
from refinery.plan.graph import Column, Columns, Graph, Identity, Making, Measured, ResolvedStage, View
from refinery.plan.problems import Report
from refinery.plan.result import calibration_name
from refinery.sources.documents import SourceSpec
from refinery.storage.url import redact

if TYPE_CHECKING:
    from refinery.definition.models import Calibrate
    from refinery.models.maker import Made
    from refinery.sources.shards import SourceShards


def calibration_of(
    stage: ResolvedStage,
    settings: Calibrate,
    above: Mapping[str, Mapping[str, View]],
    below: Callable[[View], View],
    report: Report,
) -> Making | None:
    """How a stage's rules are calibrated, None where something is wrong, which is reported.

    above: of each source and stage, the views of its sources; below: a view after the stage's transforms.
    """
    parts = {"trusted": settings.trusted, "junk": settings.junk}
    problems = [
        (part, f"no source or stage {name!r}{nearest(name, above)}")
        for part, names in parts.items()
        for name in names
        if name not in above
    ]
    twice = sorted(set(settings.trusted) & set(settings.junk))
    problems += [("junk", f"{name} is trusted already") for name in twice]
    if not stage.sources:
        return None  # which has been reported
    source = stage.sources[0]
    read = _read(stage, source)
    problems += [
        (
            "trusted",
            f"{name!r} is measured only on what arrives at the stage: put the rules that read it into another",
        )
        for name, column in read.items()
        if any(measurement.late for measurement in column.measurements)
    ]
    for part, message in problems:
        report((part,), message)
    if problems:
        return None
    columns: dict[str, Columns] = {}
    for name in (name for names in parts.values() for name in names):
        columns[name] = {
            one: {
                column: _on(found, stage.views[source], view, below(view)) for column, found in read.items()
            }
            for one, view in above[name].items()
        }
    from refinery.filters.calibration.maker import CalibrationMaker

    rules = tuple((rule.name, rule.predicate) for rule in stage.rules)
    maker = CalibrationMaker(settings.trusted, settings.junk, rules, settings.lose, tuple(read))
    return Making(maker, columns=columns)


def refuse_shared(graph: Graph, listed: Mapping[str, SourceShards]) -> None:
    """Raises DefinitionError where a source of trusted text and one of junk read a file in the same way."""
    problems = []
    for stage in graph.stages:
        if making := graph.makings.get(calibration_name(stage)):
            parts = (making.inputs[part] for part in ("trusted", "junk"))
            trusted, junk = ([name for name in names if name in graph.sources] for names in parts)
            for one, other in product(trusted, junk):
                paths = {shard.path for shard in listed[one].unpacked()}
                same = [shard.path for shard in listed[other].unpacked() if shard.path in paths]
                if same and _reading(graph.sources[one]) == _reading(graph.sources[other]):
                    problem = f"{redact(same[0])} is trusted already"
                    place = ("stages", stage, "calibrate", "junk")
                    problems.append(graph.definition.source.problem(place, problem))
    if problems:
        raise DefinitionError(*problems)


def _reading(spec: SourceSpec) -> SourceSpec:
    """How a source is read, whatever it is called and of which files it is."""
    return replace(spec, name="", path=(), id=None)


def _read(stage: ResolvedStage, source: str) -> dict[str, Column]:
    """The columns of a stage that its rules and the calibration read."""
    from refinery.filters.calibration.account import LANGUAGE, TOKENS

    known = stage.columns[source]
    names = {column for rule in stage.rules for column in columns_of(rule.predicate)} | {LANGUAGE, TOKENS}
    return {name: known[name] for name in sorted(names) if name in known}


def _on(column: Column, stage_view: View, view: View, transformed: View) -> Column:
    """A stage's column of other text: what is measured after the stage's transforms is so there, too."""
    if isinstance(column, Identity):
        return column
    if isinstance(column, Measured):
        here = column.measurement.view.key == stage_view.key
        return column.on(transformed if here else view)
    inputs = {name: _on(one, stage_view, view, transformed) for name, one in column.inputs.items()}
    return replace(column, inputs=inputs)


def with_calibration(stage: ResolvedStage, made: Made) -> ResolvedStage:
    """The stage with the rules that a calibration has moved; raises DamagedFile."""
    from refinery.filters.calibration.maker import read_calibration

    found = read_calibration(made.folder)
    rules = tuple(
        replace(
            rule,
            predicate=found.predicates[rule.name],
            written=rule.written or rule.predicate,
            published=rule.predicate if found.predicates[rule.name] != rule.predicate else "",
        )
        for rule in stage.rules
    )
    return replace(stage, rules=rules, calibration=found)
