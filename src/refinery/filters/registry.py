"""From the name a definition uses to a measurer or transform: a closed set, plus installed entry points."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from refinery.definition import verbs
from refinery.definition.paths import HERE, Paths
from refinery.definition.validate import Invalid, validate
from refinery.errors import DefinitionError, InputError, nearest

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.verb import Verb


@dataclass(frozen=True)
class Kind:
    """Modules with a pydantic model `Settings` and a function `build(settings)`, by name; `group`: entry points."""

    word: str
    group: str
    built_in: Mapping[str, str]

    def module(self, name: str) -> ModuleType:
        """The module of that name; raises DefinitionError if there is none."""
        if name in self.built_in:
            return importlib.import_module(self.built_in[name])
        installed = {point.name: point for point in entry_points(group=self.group)}
        if name not in installed:
            near = nearest(name, [*self.built_in, *installed])
            raise DefinitionError(f"no {self.word} is called {name!r}{near}")
        return installed[name].load()  # type: ignore[no-any-return]

    def settings(self) -> dict[str, type[BaseModel]]:
        """The model of the settings of each name there is."""
        installed = (point.name for point in entry_points(group=self.group))
        return {name: self.module(name).Settings for name in dict.fromkeys((*self.built_in, *installed))}

    def build(self, name: str, settings: Mapping[str, Any], paths: Paths) -> Any:
        """What the name stands for, with these settings; raises DefinitionError, for wrong settings Invalid."""
        module = self.module(name)
        try:
            return module.build(validate(module.Settings, settings, paths))
        except Invalid as error:
            raise Invalid(*(((name, *place), message) for place, message in error.found)) from None
        except InputError as error:
            raise DefinitionError(str(error)) from None


MEASURERS = Kind(
    "measurer",
    "refinery.measurers",
    {
        "language": "refinery.filters.language",
        "signals": "refinery.filters.signals",
        "patterns": "refinery.filters.patterns",
        "relevance": "refinery.filters.relevance",
        "quality": "refinery.filters.quality",
        "importance": "refinery.filters.importance",
        "neural": "refinery.filters.neural",
    },
)
TRANSFORMS = Kind("transform", "refinery.transforms", {"normalize": "refinery.filters.normalize"})


def measurer(name: str, settings: Mapping[str, Any], paths: Paths = HERE) -> Measurer:
    """Builds the measurer called `name`; raises DefinitionError in the user's words."""
    return MEASURERS.build(name, settings, paths)  # type: ignore[no-any-return]


def transform(name: str, settings: Mapping[str, Any], paths: Paths = HERE) -> Transform:
    """Builds the transform called `name`; raises DefinitionError in the user's words."""
    return TRANSFORMS.build(name, settings, paths)  # type: ignore[no-any-return]


def verb(name: str, settings: BaseModel, paths: Paths = HERE) -> Verb:
    """Builds the verb called `name` from its checked settings; raises DefinitionError in the user's words."""
    try:
        return verbs.module(name).build(settings, paths)  # type: ignore[no-any-return]
    except InputError as error:
        raise DefinitionError(str(error)) from None
