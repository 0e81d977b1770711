"""What is given to a function in place of a stage's `measure`, `transform` or `keep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from refinery.errors import DefinitionError

if TYPE_CHECKING:
    from refinery.definition.registry import Kind

Entry = str | Mapping[str, Any]  # a name, or what stands for it in YAML
Entries = Entry | Sequence[Entry]


def entries_of(key: Literal["measure", "transform", "keep"], given: Entries) -> tuple[Any, ...]:
    """The entries as a stage has them, one alone as well; raises DefinitionError for those that have a wrong form.

    >>> entries_of("measure", ["language", {"relevance": {"model": "medical"}}])
    ('language', {'relevance': {'model': 'medical'}})
    """
    from refinery.definition.models import Stage
    from refinery.definition.validate import validate

    several = [given] if isinstance(given, str | Mapping) else given
    entries = [dict(entry) if isinstance(entry, Mapping) else entry for entry in several]
    found: tuple[Any, ...] = getattr(validate(Stage, {"from": "table", key: entries}), key)
    return found


def build_each(kind: Kind, key: str, entries: Sequence[Entry]) -> list[Any]:
    """What entries name, built; raises DefinitionError with all that is wrong, each with its place."""
    from refinery.definition.paths import HERE
    from refinery.definition.validate import Invalid
    from refinery.definition.yaml import problem_at
    from refinery.filters.registry import name_and_settings

    built, problems = [], list[str]()
    for number, use in enumerate(entries):
        try:
            built.append(kind.build(*name_and_settings(use), HERE))
        except Invalid as error:
            problems += [problem_at((key, number, *place), message) for place, message in error.found]
        except DefinitionError as error:
            problems += [problem_at((key, number), problem) for problem in error.problems]
    if problems:
        raise DefinitionError(*problems)
    return built
