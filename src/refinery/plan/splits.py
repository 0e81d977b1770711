"""Outputs that are split: what tells a document's split, and the verbs above that must not cross it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from refinery.dedup.content import SCHEMA, Content
from refinery.dedup.split import POSITION, bounds_of
from refinery.definition.models import Output
from refinery.plan.graph import Measured, Measurement, ResolvedStage, View


def positions_of(
    outputs: Mapping[str, Output], stages: Mapping[str, ResolvedStage], views: Mapping[str, View]
) -> dict[str, Measured]:
    """Of each source of an output that is split the column of digests; views: of sources, as stages get them."""
    split = (stages[output.from_] for output in outputs.values() if output.split and output.from_ in stages)
    sources = dict.fromkeys(source for stage in split for source in stage.sources)
    (field,) = SCHEMA
    return {
        name: Measured(Measurement(views[name].uncounted, Content()), field.name, field.type)
        for name in sources
        if name in views  # another name is a mistake that has been reported
    }


def hold_out(
    outputs: Mapping[str, Output], stages: Mapping[str, ResolvedStage], positions: Mapping[str, Measured]
) -> dict[str, ResolvedStage]:
    """The stages, of which the verbs above an output that is split know where its splits end."""
    bounds: dict[str, set[int]] = {}
    for output in outputs.values():
        for name in _above(output.from_, stages) if output.split else ():
            bounds.setdefault(name, set()).update(bounds_of(output.split))
    return {name: _holding_out(stage, bounds.get(name, ()), positions) for name, stage in stages.items()}


def _above(last: str, stages: Mapping[str, ResolvedStage]) -> Iterable[str]:
    """A stage and those that it comes from."""
    wanted = [last] if last in stages else []
    for name in wanted:
        wanted += [parent for parent in stages[name].parents if parent in stages and parent not in wanted]
    return wanted


def _holding_out(
    stage: ResolvedStage, bounds: Iterable[int], positions: Mapping[str, Measured]
) -> ResolvedStage:
    if stage.verb is None or not bounds:
        return stage
    verb = stage.verb.holding_out(tuple(sorted(bounds)))
    if verb is stage.verb:
        return stage
    needed = {s: stage.needed.get(s, {}) | {POSITION: positions[s]} for s in stage.sources if s in positions}
    return replace(stage, verb=verb, needed={**stage.needed, **needed})
