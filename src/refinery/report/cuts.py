"""What transforms cut out of a document by rules, computed again from its text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from refinery.filters.measurer import RemovedPart, Transform
from refinery.plan.graph import VerbCut, View


def cuts_by_stage(
    views: Sequence[View], texts: Callable[[Sequence[View]], Sequence[str]]
) -> list[tuple[RemovedPart, ...]]:
    """For each stage that a document came to, given its view: what the transforms cut that no stage above it has.

    texts: gives the document as views have it.
    """
    before: list[View] = []
    steps: list[tuple[int, Transform]] = []
    seen: set[str] = set()
    for stage, view in enumerate(views):
        for number, step in enumerate(view.transforms):
            key = View(view.source, view.transforms[: number + 1]).key
            if key not in seen and not isinstance(step, VerbCut):
                before.append(View(view.source, view.transforms[:number]))
                steps.append((stage, step))
            seen.add(key)
    found: list[list[RemovedPart]] = [[] for _ in views]
    for (stage, step), text in zip(steps, texts(before), strict=True):
        found[stage] += step.removed_parts(text)
    return [tuple(cuts) for cuts in found]
