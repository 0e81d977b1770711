"""What a stage may write under `passages`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from refinery.definition.values import Columns, Model, OneOrMore
from refinery.filters.ranking import Missing, Ranking

LEAST = 16  # characters of a passage: below, few are worth a lookup and many are chance


class Settings(Model):
    """One copy of each repeated passage is kept, the others are cut out of their documents."""

    characters: int | None = Field(
        None, ge=LEAST, description="the least length of a passage, wherever it begins and ends"
    )
    paragraphs: int | None = Field(
        None, ge=1, description="compare whole paragraphs instead, of at least so many characters"
    )
    rest: int | None = Field(
        None,
        ge=1,
        description="a document with fewer characters left after cuts is dropped (default: the least length)",
    )
    prefer: Annotated[tuple[Ranking, ...], OneOrMore()] = Field(
        (), description="which document keeps its copy, in order, as for `dedup`"
    )
    missing: Missing | None = Field(
        None, description="where documents rank whose source lacks a column of `prefer`"
    )
    within: Columns = Field((), description="columns that documents must share to be compared (default: all)")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.characters is None) == (self.paragraphs is None):
            raise ValueError("give either `characters` or `paragraphs`, the least length of a passage")
        if self.least_left > self.least:
            raise ValueError(f"`rest` is more than the least length of a passage ({self.least})")
        return self

    @property
    def least(self) -> int:
        """Characters of the shortest passage that is cut."""
        return self.characters or self.paragraphs or LEAST

    @property
    def least_left(self) -> int:
        """Characters that a document has at least, once passages are cut out of it."""
        return self.rest or self.least
