"""Licences in the resolved definition: the column `licence`, and the rule that an output's `licences` are.

Everything that comes to such an output passes the rule `licences`, as early as no other output misses a document by
it: in the first stages on the way of which all outputs below allow the same. So what a budget or a share chooses is
chosen of what may be written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from refinery.definition.licences import LicenceColumn, allowed_pattern
from refinery.definition.load import Definition
from refinery.definition.models import Pipeline
from refinery.definition.outputs import Output
from refinery.definition.yaml import Location
from refinery.filters.licence import LICENCE, Licence
from refinery.filters.rules import Rule
from refinery.plan.file_columns import column_problems
from refinery.plan.graph import Column, Derived, Graph, Measured, Measurement, ResolvedStage, View
from refinery.plan.problems import Report
from refinery.plan.verbs import Arriving, Heads

RULE = "licences"


def uses_licences(pipeline: Pipeline) -> bool:
    """Whether documents have the column `licence`."""
    return any(source.licence for source in pipeline.sources.values()) or any(
        output.licences for output in pipeline.outputs.values()
    )


def licence_column(pipeline: Pipeline, source: str, columns: Mapping[str, Column]) -> Column:
    """The column `licence` of a source: what its files say, one licence for all of it, or NULL.

    columns: of the stage; what is the same for all documents is computed, since it is nothing to measure.
    """
    entry = pipeline.sources[source].licence
    if isinstance(entry, LicenceColumn):
        return Measured(Measurement(View(source), Licence(entry.column)), LICENCE, pa.string())
    value = "NULL" if entry is None else f"'{entry}'"
    # a column is read so that there is a row for each document; each has a size
    return Derived(f"CASE WHEN bytes < 0 THEN '' ELSE {value} END", {"bytes": columns["bytes"]}, pa.string())


def licence_rule(pipeline: Pipeline, allowed: Mapping[str, tuple[str, ...]], stage: str) -> tuple[Rule, ...]:
    """The rule that a stage judges first, if it is to be judged here; allowed: see `allowed_licences`."""
    if stage not in allowed:
        return ()
    parents = pipeline.stages[stage].from_
    if all(allowed.get(parent) == allowed[stage] for parent in parents):
        return ()  # which judge it
    predicate = f"REGEXP_LIKE({LICENCE}, '{allowed_pattern(allowed[stage])}')"
    return (Rule(RULE, predicate, source="`licences` of its outputs"),)


def allowed_licences(pipeline: Pipeline) -> dict[str, tuple[str, ...]]:
    """By stage what all outputs of it and of those below it allow, where they agree and do not allow everything."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for output in pipeline.outputs.values():
        for stage in _above(pipeline, output.from_):
            found.setdefault(stage, set()).add(tuple(sorted(set(output.licences))))
    return {stage: one for stage, (one, *others) in found.items() if one and not others}


def _above(pipeline: Pipeline, stage: str) -> Collection[str]:
    """A stage and all that it comes from."""
    found: dict[str, None] = {}
    waiting = [stage]
    while waiting:
        name = waiting.pop()
        if name not in found and name in pipeline.stages:
            found[name] = None
            waiting += pipeline.stages[name].from_
    return found


def models_below(graph: Graph) -> Iterator[str]:
    """What models may lose to the rule: documents of sources that have the licence in a column.

    A source with one licence loses nothing: where it is not allowed, the definition is wrong.
    """
    sources = graph.definition.pipeline.sources
    columns = {name for name, source in sources.items() if isinstance(source.licence, LicenceColumn)}
    for result, making in graph.makings.items():
        for part, read in making.inputs.items() if making.is_model else ():
            above = {stage: None for one in read if one in graph.stages for stage in graph.ancestors(one)}
            judging = [
                stage for stage in above if any(rule.name == RULE for rule in graph.stages[stage].rules)
            ]
            for stage in judging:
                if found := [source for source in graph.stages[stage].sources if source in columns]:
                    yield (
                        f"{part} of {result.removesuffix('.sample')}: of {', '.join(found)} no documents under "
                        f"licences that the outputs below {stage} do not allow (its rule {RULE!r})"
                    )


def check_licences(
    definition: Definition, stages: Mapping[str, ResolvedStage], heads: Heads, report: Report
) -> None:
    """Reports columns that are not there, and outputs that allow nothing of a source or other than their stage."""
    pipeline = definition.pipeline
    for name, source in pipeline.sources.items():
        if isinstance(source.licence, LicenceColumn) and name in heads.specs:
            arriving = Arriving(name, {name: View(name)}, {}, heads, incomplete=False)
            for message in column_problems(source.licence.column, arriving):
                report(("sources", name, "licence", "column"), message)
    for name, output in pipeline.outputs.items():
        if not output.licences or output.from_ not in stages:
            continue
        place: Location = ("outputs", name, "licences")
        if others := _at_odds(pipeline, output):
            verb = "allow" if len(others) > 1 else "allows"
            remedy = f"make a stage `{name}: {{from: {output.from_}}}` and write that"
            report(place, f"{' and '.join(others)}, of the same stage, {verb} other licences: {remedy}")
        for one in stages[output.from_].sources:
            if not definition.is_broken("sources", one) and (
                refused := _refusal(pipeline.sources[one].licence, output)
            ):
                report(place, f"the source {one!r} {refused}")


def _at_odds(pipeline: Pipeline, output: Output) -> list[str]:
    """The outputs below an output's stage that allow other licences."""
    return [
        repr(name)
        for name, one in pipeline.outputs.items()
        if set(one.licences) != set(output.licences) and output.from_ in _above(pipeline, one.from_)
    ]


def _refusal(licence: str | LicenceColumn | None, output: Output) -> str:
    """Why nothing of a source can be in an output; empty if something can."""
    if licence is None:
        return "says no licence: give it `licence: ID`, one of SPDX, or `licence: {column: NAME}`"
    if isinstance(licence, str) and not re.search(allowed_pattern(output.licences), licence):
        return f"is under {licence}, which is not allowed: nothing of it could be written"
    return ""
