"""What a pool is like of which a part reaches a model's suggested threshold: how much is relevant, how pure the part.

A card judges a threshold by documents held out, of which a share is relevant that no pool has. Once the pool is
measured, how much of it reaches the threshold tells both, see models.prevalence. Not of a pool that the model had as
its negatives: those hold what is relevant of it, so they do not tell what of the rest would reach the threshold.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from refinery.definition.paths import Paths
from refinery.filters.model_functions import only_suggestion
from refinery.filters.rules import Rule
from refinery.models.binomial import Estimate
from refinery.models.card import Card, resolve
from refinery.models.prevalence import in_pool
from refinery.run.context import Run
from refinery.run.decide import StageTally
from refinery.run.manifest import Suggested
from refinery.watch.events import Subject


def suggested_precisions(
    rules: Sequence[Rule], tally: StageTally, above: Collection[str], paths: Paths
) -> dict[str, Suggested]:
    """By rule of a stage that is no more than `COLUMN >= suggested('NAME')`.

    above: sources and stages that lead to it; paths: with the models that are made.
    """
    found = {}
    for rule in rules:
        name = None if rule.published else only_suggestion(rule.written)
        card = _card(paths, name) if name else None
        if (
            name is None
            or card is None
            or card.at_suggested is None
            or {*above} & {*card.sources["negative"]}
        ):
            continue
        documents = tally.arrived.documents
        reached = documents - tally.rules[rule.name].failed
        if reached:
            pool = in_pool(card.at_suggested, reached, documents)
            found[rule.name] = Suggested(
                model=name,
                threshold=card.suggested.threshold,
                documents=documents,
                reached=reached,
                relevant=pool.relevant,
                precision=pool.precision,
                wanted=card.wanted_precision,
            )
    return found


def warn_of_impure(run: Run, stage: str, found: Mapping[str, Suggested]) -> None:
    """Tells where what a threshold keeps is estimated to be less pure than the model was asked for."""
    for rule, one in found.items():
        if one.precision.value < one.wanted:
            run.warn(
                Subject("stage", stage),
                f"{rule}: {one.reached:,} of {one.documents:,} documents reach suggested('{one.model}'); about "
                f"{_share(one.relevant)} of all are relevant, so the precision here is {_number(one.precision)}, not "
                f"{one.wanted:g}: a higher threshold keeps less and purer text, see `refinery threshold`",
            )


def _card(paths: Paths, name: str) -> Card | None:
    use = paths.models.get(name)
    return resolve(use.path)[1] if use and use.path else None


def _share(one: Estimate) -> str:
    return f"{one.value:.1%} ({one.low:.1%} to {one.high:.1%})"


def _number(one: Estimate) -> str:
    return f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})"
