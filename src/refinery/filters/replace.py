"""Transform `replace`: what a regular expression finds becomes another text.

    transform: [normalize, {replace: {pattern: "\\\\[[0-9]+\\\\]", with: ""}}]

Expressions are those of Rust's `regex`, as Polars has them: they take time that grows with the text alone, whatever
the pattern, so none can hang a run; in return they have no look-around and no references back. Flags stand inside:
(?i), (?m), (?s), (?x). In `with`, $1 or ${1} is the first group, ${name} a named one, $$ a dollar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import Field

from refinery.definition.values import Model
from refinery.errors import DefinitionError, some_of
from refinery.filters.measurer import Transform

_GROUP = re.compile(r"\$(?:\$|\{([^}]*)\}|(\w+))", re.ASCII)  # as `regex` reads `with`


class Settings(Model):
    """What may be written in a definition for `replace`."""

    pattern: str = Field(
        min_length=1, description="a regular expression of Rust's `regex`; flags inside: (?i)"
    )
    with_: str = Field(alias="with", description="what takes its place; ${1} is the first group, $$ a dollar")


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
    """The transform; raises DefinitionError for a pattern that is no regular expression or finds the empty text, and
    for groups that it does not have.
    """
    import polars as pl

    from refinery.sources.sql import sentence_of

    replace = Replace(settings.pattern, settings.with_)
    try:
        matches_empty = pl.Series([""]).str.contains(settings.pattern).item()
        groups = pl.Series([""]).str.extract_groups(settings.pattern).struct.fields
    except pl.exceptions.ComputeError as error:
        raise DefinitionError(f"replace.pattern: {sentence_of(error)}: {settings.pattern}") from None
    if matches_empty:
        raise DefinitionError(
            f"replace.pattern: it finds the empty text, which is everywhere: {settings.pattern}"
        )
    if problems := [*_unknown_groups(settings.with_, groups)]:
        raise DefinitionError(*problems)
    return replace


def _unknown_groups(replacement: str, named: Sequence[str]) -> Iterator[str]:
    """Groups that a replacement asks for and the pattern lacks: `regex` puts nothing in their place.

    >>> list(_unknown_groups("$1x $0", ["1"]))
    ['replace.with: the pattern has no group "1x": write ${1}x for group 1 with "x" behind it']
    """
    known = dict.fromkeys([*map(str, range(len(named) + 1)), *named])
    for match in _GROUP.finditer(replacement):
        name = match[1] if match[1] is not None else match[2]
        if name is None or name in known:
            continue
        begun = max((one for one in known if name.startswith(one)), key=len, default="")
        if begun and match[2]:
            rest = name.removeprefix(begun)
            how = f'write ${{{begun}}}{rest} for group {begun} with "{rest}" behind it'
        else:
            there = f"it has {some_of(list(known)[1:], len(known) - 1)}" if named else "it has none"
            how = f"{there}; $0 is all that is found, and $$ a dollar"
        yield f'replace.with: the pattern has no group "{name}": {how}'
