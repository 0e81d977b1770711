"""A definition built in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

Settings = Mapping[str, Any]
Uses = Sequence[str | Settings]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """What a definition says, with the keys and values of its YAML; see docs/pipeline.md.

    base: the folder that relative paths are relative to, by default the current one. Paths may be `pathlib.Path`s.
    Nothing is looked at before it is loaded, checked, planned or run; errors then name the key.

    >>> import refinery
    >>> pipeline = refinery.Pipeline(
    ...     name="tiny",
    ...     sources={"crawl": {"path": "/corpus/*.parquet"}},
    ...     stages={"screened": {"from": "crawl", "measure": ["signals"], "keep": [{"long": "wrods >= 50"}]}},
    ...     outputs={"screened": {"from": "screened", "path": "out"}},
    ... )
    >>> refinery.check(pipeline)
    Traceback (most recent call last):
        ...
    refinery.errors.DefinitionError: stages.screened.keep.0.long: no column "wrods"; did you mean "words"?
    sources.crawl: /corpus/*.parquet: no such file, folder or glob match (the folder /corpus does not exist)
    """

    name: str
    sources: Mapping[str, Settings]
    stages: Mapping[str, Settings] = field(default_factory=dict)
    outputs: Mapping[str, Settings] = field(default_factory=dict)
    models: Mapping[str, Settings] = field(default_factory=dict)
    roots: Mapping[str, str | Path] = field(default_factory=dict)
    protect: Mapping[str, Settings] = field(default_factory=dict)
    transform: Uses = ()
    tokens: Settings = field(default_factory=dict)
    guards: Settings = field(default_factory=dict)
    base: str | Path = "."

    def content(self) -> dict[str, Any]:
        """The same as a YAML file would give it, without what is empty."""
        given = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "base"}
        return {"refinery": 1} | {k: _plain(v) for k, v in given.items() if v or k in {"name", "sources"}}


def _plain(value: Any) -> Any:
    """A value as YAML would give it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
