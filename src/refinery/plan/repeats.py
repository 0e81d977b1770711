"""Stages that mix and repeat documents: each part has its share, and only outputs come from what is repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from refinery.definition.models import Pipeline
from refinery.errors import nearest
from refinery.plan.graph import Making, ResolvedStage
from refinery.plan.outputs import wanted_measurements
from refinery.plan.problems import Report

COUNT = "repeats"  # the column with the times that a row counts


def part_problems(parts: tuple[str, ...], parents: tuple[str, ...]) -> Iterator[str]:
    """What is wrong with the parts that a verb tells apart, which are to be what its stage comes from."""
    for name in parts:
        if name not in parents:
            yield f"it has a part {name!r}, which the stage does not come from{nearest(name, parents)}"
    for name in parents:
        if name not in parts:
            yield f"the stage comes from {name!r}, which is no part; give it a share or take it out of `from`"


def check_repeats(
    pipeline: Pipeline,
    stages: Mapping[str, ResolvedStage],
    makings: Mapping[str, Making],
    report: Report,
) -> None:
    """Reports what but an output comes from a stage that repeats documents, and outputs that count no repeats."""
    repeating = {name for name, stage in stages.items() if stage.repeats}
    why = "repeats documents, so only outputs may come from it: repeats of repeats would multiply"
    for name, stage in pipeline.stages.items():
        for parent in repeating.intersection(stage.from_):
            report(("stages", name, "from"), f"{parent!r} {why}")
    for name, making in makings.items():
        for parent in repeating.intersection(one for names in making.inputs.values() for one in names):
            report(tuple(name.split(".")), f"{parent!r} {why}")
    for name, output in pipeline.outputs.items():
        if output.repeats == "counts" and output.from_ in stages:
            for message in _count_problems(stages[output.from_], wanted_measurements(output)):
                report(("outputs", name, "repeats"), message)


def _count_problems(stage: ResolvedStage, wanted: tuple[str, ...]) -> list[str]:
    if not stage.repeats:
        return [f"no document of {stage.name!r} is repeated; leave `repeats` out"]
    if COUNT in wanted and any(COUNT in columns for columns in stage.columns.values()):
        return [f"the column {COUNT!r} has the counts here; leave the measured one out of `measurements`"]
    return []
