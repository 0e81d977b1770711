"""What is written where, in which form, and how it is split."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from refinery.definition.licences import AllowedLicence
from refinery.definition.tokenization import Tokenize
from refinery.definition.values import ByteCount, Model, Name, OneOrMore, Share, WrittenPath

TRAIN = "train"  # the split of all documents that are held out for no other


def _kind_of_part(value: object) -> str:
    is_share = not isinstance(value, str) or re.fullmatch(r"\s*[0-9.]*\s*%?\s*", value)
    return "share" if is_share else "condition"


SplitPart = Annotated[
    Annotated[Share, Tag("share")] | Annotated[str, Tag("condition")], Discriminator(_kind_of_part)
]


class Output(Model):
    """Where a stage's documents are written."""

    from_: Name = Field(alias="from", description="the stage whose documents are written")
    path: WrittenPath = Field(description="folder or URL of this output alone; relative to the definition")
    format: Literal["parquet", "jsonl"] = Field(
        "parquet", description="`parquet`, or `jsonl` for JSON Lines in zstd"
    )
    tokenize: Tokenize | None = Field(
        None,
        description="tokenizers JSON file: token ids are written in place of texts, as Megatron's `.bin` and `.idx`",
    )
    measurements: tuple[str, ...] | None = Field(
        None,
        description="measured and derived columns to write "
        "(default: licence, lang, lang_score, relevance, quality, importance, neural, tokens)",
    )
    licences: Annotated[tuple[AllowedLicence, ...], OneOrMore()] = Field(
        (), min_length=1, description="SPDX identifiers; documents under others, or none, are left out"
    )
    shard_bytes: ByteCount = Field(256 * 2**20, description="text bytes an output shard holds")
    shuffle: int | None = Field(
        1, ge=0, strict=True, description="seed of a shuffle of all documents; `null`: input order"
    )
    repeats: Literal["copies", "counts"] = Field(
        "copies",
        description="how documents that a stage repeats are written: as so many rows, or as one with its count in a "
        "column `repeats`",
    )
    split: dict[Name, SplitPart] = Field(
        {},
        description="name to the documents that are held out of `train`: a share, by a hash of their words, or SQL "
        "over columns of the sources' files",
    )
    split_by: str | None = Field(
        None,
        description="column of the sources' files, or `site` and the like, by whose value shares go, "
        "in place of the words",
    )

    @property
    def shares(self) -> dict[str, float]:
        """Of the splits that have one."""
        return {name: part for name, part in self.split.items() if isinstance(part, float)}

    @property
    def conditions(self) -> dict[str, str]:
        """Of the splits that have one."""
        return {name: part for name, part in self.split.items() if isinstance(part, str)}

    @field_validator("split")
    @classmethod
    def _train_is_the_rest(cls, split: dict[str, float | str]) -> dict[str, float | str]:
        if TRAIN in split:
            raise ValueError(f"{TRAIN!r} is what the others leave; name those")
        for name in split:
            if not name.isidentifier():
                raise ValueError(f"loaders know a split by letters, digits and _ alone, not by {name!r}")
        shares = [Fraction(str(part)) for part in split.values() if isinstance(part, float)]
        if shares and len(shares) < len(split):
            raise ValueError("give all splits a share, or all of them a condition")
        if sum(shares) >= 1:
            raise ValueError(f"together they leave nothing for {TRAIN!r}")
        return split

    @model_validator(mode="after")
    def _ids_have_no_columns(self) -> Self:
        if self.tokenize and (extra := {"format", "measurements"} & self.model_fields_set):
            raise ValueError(
                f"token ids have no {' and no '.join(sorted(extra))}; write texts to another output"
            )
        if self.tokenize and self.repeats == "counts":
            raise ValueError("token ids have no column `repeats`; write copies, or texts to another output")
        return self

    @model_validator(mode="after")
    def _shares_by_a_column(self) -> Self:
        if self.split_by and not self.shares:
            raise ValueError("`split_by` says by what the shares of `split` go; there are none")
        return self
