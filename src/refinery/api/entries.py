"""What is given to a function in place of a stage's `measure`, `transform` or `keep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

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
