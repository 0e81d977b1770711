"""From a verb's name to its module: a closed set, plus installed entry points of the group `refinery.verbs`.

A verb's module has `Settings`, the pydantic model of what a stage may write under the verb's name, and `build`, see
refinery.filters.verb.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection
from importlib.metadata import entry_points
from types import ModuleType

from pydantic import BaseModel

VERBS = {"dedup": "refinery.dedup.verb", "select": "refinery.select.verb"}
GROUP = "refinery.verbs"


def installed() -> tuple[str, ...]:
    """The names of all verbs, the built-in ones first."""
    return tuple(dict.fromkeys([*VERBS, *sorted(entry_points(group=GROUP).names)]))


def module(name: str) -> ModuleType:
    """The module of a verb; raises KeyError when there is none of this name."""
    if name in VERBS:
        return importlib.import_module(VERBS[name])
    return entry_points(group=GROUP)[name].load()  # type: ignore[no-any-return]


def settings(used: Collection[str]) -> dict[str, type[BaseModel]]:
    """The settings of the built-in verbs, and of the installed ones among the names `used`, by verb."""
    others = sorted(set(used) - VERBS.keys())
    added = entry_points(group=GROUP).names.intersection(others) if others else ()
    return {name: module(name).Settings for name in [*VERBS, *sorted(added)]}
