"""What verbs tell of what they did: the parts of a stage that is mixed, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from refinery.run.decide import PartTally
from refinery.run.manifest import PartAccount
from refinery.run.outcome import read_parts, read_tables

if TYPE_CHECKING:
    from refinery.filters.verb import Part, VerbTable
    from refinery.plan.graph import ResolvedStage
    from refinery.plan.plan import Plan
    from refinery.run.counts import Decided


def parts_of(plan: Plan, stage: ResolvedStage) -> tuple[Part, ...]:
    """What a stage's verb, which has run, found of its parts; none of a verb without."""
    if stage.verb is None or not stage.verb.parts:
        return ()
    reached = plan.reaching(stage)
    return read_parts(reached[0].verb_file(plan.outcome_key(stage.name) or "")) if reached else ()


def verb_tables(plan: Plan, stages: Iterable[ResolvedStage]) -> dict[str, tuple[VerbTable, ...]]:
    """By stage whose verb, which has run, has tables."""
    found = {}
    for stage in stages:
        reached = plan.reaching(stage) if stage.verb else ()
        if reached and (tables := read_tables(reached[0].verb_file(plan.outcome_key(stage.name) or ""))):
            found[stage.name] = tables
    return found


def part_accounts(
    plan: Plan, stage: ResolvedStage | None, decided: Sequence[Decided]
) -> dict[str, PartAccount]:
    """By part, what an output below the stage has of it; none where there is no such stage."""
    found = {}
    for part in parts_of(plan, stage) if stage else ():
        tally = sum((one.parts.get(part.name, PartTally()) for one in decided), PartTally())
        found[part.name] = PartAccount(
            share=part.share,
            wanted=part.wanted,
            documents=part.documents,
            tokens=part.tokens,
            held_out=part.held_out,
            filled=part.filled,
            most_repeats=part.most,
            kept=tally.kept,
            repeated=tally.repeated,
            largest=tally.largest,
        )
    return found
