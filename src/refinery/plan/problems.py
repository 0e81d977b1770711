"""The problems of a definition, gathered while it is resolved, each at its place in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from refinery.definition.validate import Invalid
from refinery.definition.yaml import Location, YamlFile
from refinery.errors import DefinitionError

T = TypeVar("T")
Report = Callable[[Location, str], None]  # is told where something is wrong, and what


@dataclass(frozen=True)
class Problems:
    """What is wrong with a definition; found: a line each, with file and line number."""

    source: YamlFile
    found: list[str]

    def add(self, location: Location, *messages: str) -> None:
        """Adds messages at a location."""
        self.found.extend(self.source.problem(location, message) for message in messages)

    def inside(self, location: Location) -> Report:
        """A function that adds a message at a place inside a location."""
        return lambda place, message: self.add((*location, *place), message)

    def attempt(self, location: Location, make: Callable[[], T]) -> T | None:
        """What `make` gives, or None and its problems at the location."""
        try:
            return make()
        except Invalid as error:
            for place, message in error.found:
                self.add((*location, *place), message)
        except DefinitionError as error:
            self.add(location, *error.problems)
        return None
