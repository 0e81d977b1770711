"""Measurer `patterns`: how often the user's own regular expressions match, one column each.

    measure: [{patterns: {lorem_ipsum: "(?i)lorem ipsum", curly: "[{]"}}]
    keep: [{prose: "lorem_ipsum = 0 AND curly < 5"}]

Patterns are those of the `regex` package, flags inside: (?i), (?m). A fixed string is found at about 1 GB/s, a
class such as \\d+ at about 100 MB/s; a pattern that backtracks without end is stopped by its timeout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa
from pydantic import BeforeValidator, ConfigDict, Field, RootModel, StringConstraints

from refinery.definition.values import ColumnName, Model
from refinery.errors import DefinitionError
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

TIMEOUT = 10.0


class Pattern(Model):
    """A regular expression, and how many seconds one document may take before its count is NULL."""

    regex: Annotated[str, StringConstraints(min_length=1)]
    timeout: float = Field(TIMEOUT, gt=0, le=3600, description="seconds a document; then its count is NULL")


def _as_pattern(value: object) -> object:
    return {"regex": value} if isinstance(value, str) else value


class Settings(
    RootModel[
        dict[
            ColumnName,
            Annotated[Pattern, BeforeValidator(_as_pattern, json_schema_input_type=str | Pattern)],
        ]
    ]
):
    """Column name to regular expression."""

    model_config = ConfigDict(frozen=True)


@dataclass(frozen=True)
class Patterns(Measurer):
    """One int64 column a pattern: the number of matches that do not overlap, found from left to right.

    NULL where a document took longer than the pattern's timeout, so that no rule keeps it by mistake.
    """

    patterns: tuple[tuple[str, str, float], ...]
    name: str = "patterns"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Column name to pattern and timeout."""
        return {column: {"regex": text, "timeout": timeout} for column, text, timeout in self.patterns}

    @property
    def schema(self) -> pa.Schema:
        """The user's columns, in the order of the definition."""
        return pa.schema([(column, pa.int64()) for column, _, _ in self.patterns])

    @property
    def null_means(self) -> str:
        """That a pattern was stopped."""
        return (
            "the pattern took longer than its `timeout`, and no rule that reads it keeps them; write it without"
            " repeats of repeats, such as `(a+)+`"
        )

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document."""
        documents = batch.to_arrow().to_pylist()
        columns = [_count(documents, text, timeout) for _, text, timeout in self.patterns]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def build(settings: Settings) -> Patterns:
    """The measurer; raises DefinitionError for every name that is taken and every pattern that is none."""
    import regex

    problems = (
        []
        if settings.root
        else ["patterns needs at least one column: {patterns: {name: regular expression}}"]
    )
    for column, pattern in settings.root.items():
        try:
            _compiled(pattern.regex)
        except regex.error as error:
            problems.append(
                f"patterns.{column}: not a regular expression: {error.msg} at character {error.pos}: {pattern.regex}"
            )
    if problems:
        raise DefinitionError(*problems)
    return Patterns(tuple((column, p.regex, p.timeout) for column, p in settings.root.items()))


@lru_cache(maxsize=256)
def _compiled(text: str) -> Any:
    import regex

    return regex.compile(text)


def _count(documents: list[str], text: str, timeout: float) -> pa.Array:
    compiled = _compiled(text)
    counts: list[int | None] = []
    for document in documents:
        try:
            counts.append(sum(1 for _ in compiled.finditer(document, timeout=timeout)))
        except TimeoutError:
            counts.append(None)
    return pa.array(counts, pa.int64())
