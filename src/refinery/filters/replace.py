"""Transform `replace`: what a regular expression finds becomes another text.

    transform: [normalize, {replace: {pattern: "\\\\[[0-9]+\\\\]", with: ""}}]

Expressions are those of Rust's `regex`, as Polars has them: they take time that grows with the text alone, whatever
the pattern, so none can hang a run; in return they have no look-around and no references back. Flags stand inside:
(?i), (?m), (?s), (?x). In `with`, $1 or ${1} is the first group, ${name} a named one, $$ a dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError
from refinery.filters.measurer import Transform


class Settings(Model):
    """What may be written in a definition for `replace`."""

    pattern: str = Field(
        min_length=1, description="a regular expression of Rust's `regex`; flags inside: (?i)"
    )
    with_: str = Field(alias="with", description="what takes its place; $1 is the first group, $$ a dollar")


@dataclass(frozen=True)
class Replace(Transform):
    """large_string in, large_string of the same length out, the very same array if nothing is found; NULL stays."""

    pattern: str
    replacement: str
    name: str = "replace"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """Both."""
        return {"pattern": self.pattern, "with": self.replacement}

    def __call__(self, text: pa.Array) -> pa.Array:
        """The texts with all matches replaced, from left to right, none within another."""
        import polars as pl

        before = pl.Series(text, dtype=pl.String)
        after = before.str.replace_all(self.pattern, self.replacement)
        return text if after.equals(before, null_equal=True) else after.to_arrow().cast(pa.large_string())


def build(settings: Settings) -> Replace:
    """The transform; raises DefinitionError for a pattern that is no regular expression or finds the empty text."""
    import polars as pl

    from refinery.sources.sql import sentence_of

    replace = Replace(settings.pattern, settings.with_)
    try:
        matches_empty = pl.Series([""]).str.contains(settings.pattern).item()
    except pl.exceptions.ComputeError as error:
        told = [line for line in str(error).splitlines() if line.startswith("error: ")]
        reason = told[0].removeprefix("error: ") if told else sentence_of(error)
        hint = "; look-around and references back are not there" if "not supported" in reason else ""
        raise DefinitionError(
            f"replace.pattern: not a regular expression: {reason}{hint}: {settings.pattern}"
        ) from None
    if matches_empty:
        raise DefinitionError(
            f"replace.pattern: it finds the empty text, which is everywhere: {settings.pattern}"
        )
    return replace
