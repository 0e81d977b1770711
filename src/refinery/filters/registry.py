"""The measurers, transforms and verbs of a definition, built from their names and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from refinery.definition.paths import HERE, Paths
from refinery.definition.registry import VERBS, Kind
from refinery.errors import DefinitionError, InputError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from refinery.filters.measurer import Measurer, Transform
    from refinery.filters.verb import Verb

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
        "cross_entropy": "refinery.filters.cross_entropy",
        "nearest": "refinery.filters.nearest",
        "neural": "refinery.filters.neural",
        "url": "refinery.filters.url",
        "listed": "refinery.filters.listed",
        "pii": "refinery.filters.pii_counts",
        "terms": "refinery.filters.terms",
        "topic": "refinery.filters.topic",
    },
)
TRANSFORMS = Kind(
    "transform",
    "refinery.transforms",
    {
        "normalize": "refinery.filters.normalize",
        "html": "refinery.filters.html",
        "lines": "refinery.filters.lines",
        "replace": "refinery.filters.replace",
        "simplified": "refinery.filters.simplified",
        "unwrap": "refinery.filters.unwrap",
        "pii": "refinery.filters.pii",
    },
)


def measurer(name: str, settings: Mapping[str, Any], paths: Paths = HERE) -> Measurer:
    """Builds the measurer called `name`; raises DefinitionError in the user's words."""
    return MEASURERS.build(name, settings, paths)  # type: ignore[no-any-return]


def transform(name: str, settings: Mapping[str, Any], paths: Paths = HERE) -> Transform:
    """Builds the transform called `name`; raises DefinitionError in the user's words."""
    return TRANSFORMS.build(name, settings, paths)  # type: ignore[no-any-return]


def verb(name: str, settings: BaseModel, paths: Paths = HERE) -> Verb:
    """Builds the verb called `name` from its checked settings; raises DefinitionError in the user's words."""
    try:
        return VERBS.module(name).build(settings, paths)  # type: ignore[no-any-return]
    except InputError as error:
        raise DefinitionError(str(error)) from None


def name_and_settings(use: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What an entry of `transform` or `measure` names, and with which settings.

    >>> name_and_settings("normalize"), name_and_settings({"relevance": {"model": "medical"}})
    (('normalize', {}), ('relevance', {'model': 'medical'}))
    """
    if isinstance(use, str):
        return use, {}
    [(name, settings)] = use.items()
    return name, dict(settings or {})


def column_name(column: str, prefix: str | None, width: int) -> str:
    """What a column of a measurer that makes `width` of them is called where `as` is `prefix`.

    >>> column_name("lang", None, 3), column_name("lang", "own", 3), column_name("relevance", "own", 1)
    ('lang', 'own_lang', 'own')
    """
    if prefix is None:
        return column
    return prefix if width == 1 else f"{prefix}_{column}"
