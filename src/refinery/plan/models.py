"""The models of a definition that the run makes: what they are made of, and where they lie once they are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from refinery.definition.yaml import Location
from refinery.errors import nearest
from refinery.plan.graph import Making
from refinery.plan.result import model_name

if TYPE_CHECKING:
    from refinery.definition.load import Definition
    from refinery.definition.paths import Paths
    from refinery.models.maker import Made


def with_models(paths: Paths, made: Mapping[str, Made]) -> Paths:
    """The paths of a definition in which models that are made have theirs; made: by the names of results."""
    known = {
        name: replace(use, path=found.folder) if use and (found := made.get(model_name(name))) else use
        for name, use in paths.models.items()
    }
    return replace(paths, models=known)


def makings_of(definition: Definition, report: Callable[[Location, str], None]) -> dict[str, Making]:
    """The makings of a definition's models by the names of their results; reports inputs that do not exist."""
    from refinery.models.makers import maker_of

    known = [*definition.names("sources"), *definition.names("stages")]
    found: dict[str, Making] = {}
    for name, model in definition.pipeline.models.items():
        if model.training is None:
            continue
        place: Location = ("models", name, model.training.word)
        maker = maker_of(model.training)
        parts: dict[str, str] = {}
        for part, inputs in maker.inputs.items():
            for one in inputs:
                if one not in known:
                    report((*place, part), f"no source or stage {one!r}{nearest(one, known)}")
                elif one in parts:
                    report((*place, part), f"{one} is {parts[one]} already")
                parts[one] = part
        found[model_name(name)] = Making(maker)
    return found
