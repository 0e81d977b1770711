"""The text of each source on its way through the stages: after which transforms and cuts a stage sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from refinery.filters.removed import Removed
from refinery.plan.graph import Making, Measurement, ResolvedStage, VerbCut, View
from refinery.plan.result import count_name

if TYPE_CHECKING:
    from refinery.filters.measurer import Transform
    from refinery.models.maker import Made

Parents = list[tuple[str, ResolvedStage | None]]  # names, with the stage for what is no source


@dataclass(frozen=True)
class Texts:
    """Views of the sources' texts, and the counts that their transforms need.

    made: the counts that are there by now, by the names of their results; cuts: see plan.graph.Graph; sources: the
    view of each source, as stages get it; makings: results to make, to which counts are added.
    """

    made: Mapping[str, Made]
    cuts: Mapping[str, str]
    sources: dict[str, View] = field(default_factory=dict)
    makings: dict[str, Making] = field(default_factory=dict)

    def extend(self, view: View, chain: Iterable[Transform]) -> View:
        """The view after more transforms; what they count is made of the source's texts before them."""
        for transform in chain:
            if transform.counter:
                making = Making(transform.counter, view)
                name = count_name(making, self.makings)
                self.makings[name] = making
                if name in self.made:
                    transform = transform.with_count(self.made[name])  # noqa: PLW2901  (the same, complete)
            view = View(view.source, (*view.transforms, transform))
        return view

    def before(self, source: str, parents: Parents) -> View:
        """A source's text as it comes to a stage."""
        above = next((stage for _, stage in parents if stage and source in stage.sources), None)
        return self.below(above, source) if above else self.sources[source]

    def below(self, stage: ResolvedStage, source: str) -> View:
        """A source's text as a stage leaves it."""
        view = stage.views[source]
        if not stage.cuts:
            return view
        return View(source, (*view.transforms, VerbCut(stage.name, self.cuts.get(stage.name, ""))))

    def removed(self, source: str, view: View, parents: Parents) -> tuple[Measurement, ...]:
        """What is counted of the transforms that a source's text has gone through since a stage above it."""
        itself = any(above is None for name, above in parents if name == source)
        first = 0 if itself else len(self.before(source, parents).transforms)
        steps = [View(source, view.transforms[: n + 1]) for n in range(first, len(view.transforms))]
        return tuple(Measurement(step, Removed()) for step in steps if step.transforms[-1].rules)
