"""From the name a definition uses to a measurer or transform: a closed set, plus installed entry points."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from refinery.definition import verbs
from refinery.errors import DefinitionError, InputError, nearest

if TYPE_CHECKING:
    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.verb import Verb

MEASURERS = {
    "language": "refinery.filters.language",
    "signals": "refinery.filters.signals",
    "patterns": "refinery.filters.patterns",
    "relevance": "refinery.filters.relevance",
    "quality": "refinery.filters.relevance",
    "importance": "refinery.filters.importance",
    "neural": "refinery.filters.neural",
}
TRANSFORMS = {"normalize": "refinery.filters.normalize"}


def measurer(name: str, settings: Mapping[str, Any], base: Path) -> Measurer:
    """Builds the measurer called `name`; raises DefinitionError or InputError in the user's words."""
    return _build(name, settings, base, MEASURERS, "refinery.measurers", "measurer")  # type: ignore[no-any-return]


def transform(name: str, settings: Mapping[str, Any], base: Path) -> Transform:
    """Builds the transform called `name`; raises DefinitionError or InputError in the user's words."""
    return _build(name, settings, base, TRANSFORMS, "refinery.transforms", "transform")  # type: ignore[no-any-return]


def verb(name: str, settings: BaseModel, base: Path) -> Verb:
    """Builds the verb called `name` from its checked settings; raises DefinitionError or InputError."""
    return verbs.module(name).build(settings, base)  # type: ignore[no-any-return]


def labels(name: str, settings: Mapping[str, Any], base: Path) -> Mapping[str, frozenset[str]]:
    """The values that a measurer's text columns can take, for the columns where they are known."""
    if name != "language":
        return {}
    from refinery.filters import language

    return {"lang": language.labels(language.Settings.model_validate(settings), base)}


def _build(
    name: str, settings: Mapping[str, Any], base: Path, built_in: Mapping[str, str], group: str, kind: str
) -> Any:
    module = _module(name, built_in, group, kind)
    try:
        checked = module.Settings.model_validate(settings)
    except ValidationError as error:
        raise DefinitionError(*(_sentence(name, module, entry) for entry in error.errors())) from None
    try:
        return module.build(checked, base) if name != "quality" else module.build(checked, base, name=name)
    except InputError as error:
        raise DefinitionError(str(error)) from None


def _module(name: str, built_in: Mapping[str, str], group: str, kind: str) -> ModuleType:
    if name in built_in:
        return importlib.import_module(built_in[name])
    installed = {point.name: point for point in entry_points(group=group)}
    if name not in installed:
        raise DefinitionError(f"no {kind} is called {name!r}{nearest(name, [*built_in, *installed])}")
    return installed[name].load()  # type: ignore[no-any-return]


def _sentence(name: str, module: ModuleType, entry: Any) -> str:
    place = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"{name} has no setting {place!r}{nearest(place, module.Settings.model_fields)}"
    if entry["type"] == "missing":
        return f"{name} needs the setting {place!r}"
    return f"{name}{'.' + place if place else ''}: {entry['msg'].removeprefix('Value error, ')}"
