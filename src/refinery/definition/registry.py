"""From a name in a definition to the module that it stands for: a closed set, plus installed entry points."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from refinery.definition.paths import Paths
from refinery.definition.validate import Invalid, validate
from refinery.errors import DefinitionError, InputError, nearest


@dataclass(frozen=True)
class Kind:
    """Modules with a pydantic model `Settings` and a function `build`, by name; `group`: of entry points."""

    word: str
    group: str
    built_in: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """All names there are, the built-in ones first."""
        return tuple(dict.fromkeys([*self.built_in, *sorted(entry_points(group=self.group).names)]))

    def module(self, name: str) -> ModuleType:
        """The module of that name; raises DefinitionError if there is none."""
        if name in self.built_in:
            return importlib.import_module(self.built_in[name])
        if name not in (names := self.names):
            raise DefinitionError(f"no {self.word} is called {name!r}{nearest(name, names)}")
        return entry_points(group=self.group)[name].load()  # type: ignore[no-any-return]

    def settings(self, used: Collection[str] | None = None) -> dict[str, type[BaseModel]]:
        """The model of the settings of each name; given `used`, of installed ones those among them alone."""
        # to look for entry points opens the records of all installed packages
        names = self.built_in if used is not None and self.built_in.keys() >= {*used} else self.names
        wanted = (name for name in names if used is None or name in self.built_in or name in used)
        return {name: self.module(name).Settings for name in wanted}

    def build(self, name: str, settings: Mapping[str, Any], paths: Paths) -> Any:
        """What the name stands for, with these settings; raises DefinitionError, for wrong settings Invalid."""
        module = self.module(name)
        try:
            return module.build(validate(module.Settings, settings, paths))
        except Invalid as error:
            raise Invalid(*(((name, *place), message) for place, message in error.found)) from None
        except InputError as error:
            raise DefinitionError(str(error)) from None


VERBS = Kind(
    "verb",
    "refinery.verbs",
    {
        "dedup": "refinery.dedup.verb",
        "mix": "refinery.mix.verb",
        "passages": "refinery.dedup.passages",
        "select": "refinery.select.verb",
    },
)
