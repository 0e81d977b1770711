"""What a definition says of `select`: how much, by what, how it is drawn, and the shares of values of columns."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from refinery.definition.values import Model, Share, ShareOrNone, TokenCount, as_percentage
from refinery.filters.ranking import Missing, Ranking, ranking


def _value(written: object) -> object:
    """A value of a column as `filters.values` has it: what YAML takes for a number, a date or a truth value, too."""
    if isinstance(written, bool):
        return str(written).lower()
    if isinstance(written, float) and written.is_integer():
        written = int(written)
    return str(written).strip() if isinstance(written, int | float | date | str) else written


def _named(written: object) -> object:
    if isinstance(written, str):
        raise ValueError(f"a share of which of its values? write {{VALUE: {written}}}")
    return written


DRAWS = ("temperature", "softdedup", "curve")
Value = Annotated[str, BeforeValidator(_value)]
Shares = Annotated[
    dict[Value, Share], Field(min_length=1), BeforeValidator(_named)
]  # of the budget, by value
EachOrShares = Annotated[
    Annotated[Share, Tag("each")] | Annotated[Shares, Tag("named")],
    Discriminator(lambda given: "named" if isinstance(given, dict) else "each"),
]


class Upsampling(Model):
    """Better documents are written more often, see select.curve."""

    discard: ShareOrNone = Field(
        0.4,
        lt=1,
        description="share of the tokens, the worst, that is left out",
        json_schema_extra={"default": "40%"},
    )
    most_repeats: int = Field(7, ge=1, description="times that a document is written at most")
    within: str | None = Field(
        None,
        description="column, a topic say, of whose values each has a curve of its own (default: one for all)",
    )


class Settings(Model):
    """The best documents, or a sample by score, are kept until a token budget is spent."""

    tokens: TokenCount = Field(description="the budget")
    by: Ranking = Field(description='column to rank on, best first; "COLUMN ASC" to rank low values first')
    missing: Missing | None = Field(None, description="where documents rank whose source lacks the column")
    temperature: float | None = Field(
        None,
        gt=0,
        description="draw without replacement by exp(score / temperature), in place of the best",
    )
    softdedup: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="draw without replacement by 1 / score (`by`: how common a document is), a mean over so many "
        "segments of the documents",
    )
    curve: Upsampling | None = Field(None, description="write better documents more often, in place of once")
    seed: int = Field(1, ge=0, description="of the draw, or of what the curve rounds")
    most: dict[str, EachOrShares] = Field(
        {},
        description="column to the share of the budget that documents of one of its values take at most, "
        "or to that of each value that is named",
    )
    least: dict[str, Shares] = Field(
        {},
        description="column to the share of the budget that documents of each value that is named take at least",
    )
    tokenizer: str | None = Field(
        None, description="tokenizers JSON file for exact counts (default: estimated)"
    )

    @model_validator(mode="after")
    def _drawn(self) -> Self:
        draws = [f"`{key}`" for key in DRAWS if getattr(self, key) is not None]
        if len(draws) > 1:
            raise ValueError(f"{' and '.join(draws)} exclude each other; give one")
        if "seed" in self.model_fields_set and not draws:
            raise ValueError(
                "`seed` is of a draw; give `temperature`, `softdedup` or `curve`, or the best are taken"
            )
        if draws and ranking(self.by)[0] == "source":
            raise ValueError("`source` is no score to draw by; give a column of numbers")
        if self.softdedup and (direction := ranking(self.by)[1]):
            raise ValueError(f"`softdedup` draws by 1 / score; leave {direction} out")
        if self.curve and (self.most or self.least):
            key = "most" if self.most else "least"
            raise ValueError(
                f"`curve` writes documents several times and has no `{key}`; put it in a select above"
            )
        return self

    @property
    def draw(self) -> str:
        """The key that says how documents are drawn; empty where the best are taken."""
        return next((key for key in DRAWS if getattr(self, key) is not None), "")

    @model_validator(mode="after")
    def _shares_add_up(self) -> Self:
        if problems := [*self._too_much(), *self._contradictions()]:
            raise ValueError("; ".join(problems))
        return self

    def _too_much(self) -> Iterator[str]:
        for column, shares in self.least.items():
            if (total := sum(Decimal(str(share)) for share in shares.values())) > 1:
                yield f"the shares of `least.{column}` add up to {as_percentage(float(total))} of the budget"

    def _contradictions(self) -> Iterator[str]:
        for column, shares in self.least.items():
            most = self.most.get(column)
            for value, share in shares.items():
                top = most.get(value) if isinstance(most, dict) else most
                if top is not None and share > top:
                    yield (
                        f"documents whose {column!r} is {value!r} cannot have at least {as_percentage(share)} and at "
                        f"most {as_percentage(top)} of the budget"
                    )
