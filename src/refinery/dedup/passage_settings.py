"""What a stage may write under `passages`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from refinery.definition.values import Columns, Model, OneOrMore
from refinery.filters.ranking import Missing, Ranking

# Characters and tokens of a passage: below, few are worth a lookup and many are chance.
LEAST, LEAST_TOKENS = 16, 8


class Settings(Model):
    """One copy of each repeated passage is kept, the others are cut out of their documents."""

    characters: int | None = Field(
        None, ge=LEAST, description="the least length of a passage, wherever it begins and ends"
    )
    tokens: int | None = Field(
        None,
        ge=LEAST_TOKENS,
        description="the least length in tokens, estimated for the `tokens` of the definition",
    )
    paragraphs: int | None = Field(
        None, ge=1, description="compare whole paragraphs instead, of at least so many characters"
    )
    rest: int | None = Field(
        None,
        ge=1,
        description="a document with less left is dropped, in characters or `tokens` (default: the least length)",
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
        if sum(one is not None for one in (self.characters, self.tokens, self.paragraphs)) != 1:
            raise ValueError(
                "give one of `characters`, `tokens` and `paragraphs`, the least length of a passage"
            )
        if self.least_left > self.least:
            raise ValueError(f"`rest` is more than the least length of a passage ({self.least})")
        return self

    @property
    def unit(self) -> str:
        """What is compared: characters, tokens or paragraphs."""
        return next(one for one in ("characters", "tokens", "paragraphs") if getattr(self, one) is not None)

    @property
    def least(self) -> int:
        """Of the shortest passage that is cut, in characters or in tokens."""
        return self.characters or self.tokens or self.paragraphs or LEAST

    @property
    def least_left(self) -> int:
        """What a document has at least, in the same unit, once passages are cut out of it."""
        return self.rest or self.least
