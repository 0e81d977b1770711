"""How near copies are found, and what is kept out of outputs and models with its copies."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from refinery.definition.values import Columns, Model, Names, Share, WrittenPaths

Fold = Literal["simplified"]
Unit = Literal["words", "characters"]


class NearCopies(Model):
    """Near duplicates: MinHash-LSH proposes, signature and text settle."""

    similarity: float = Field(
        0.8, gt=0, le=1, description="similarity of shingles from which on a document goes, by `measure`"
    )
    measure: Literal["jaccard", "containment"] = Field(
        "jaccard", description="shared shingles over all of the two, or over those of the one that has fewer"
    )
    by: Unit = Field(
        "words",
        description="what shingles are of: words, and characters in unspaced scripts, or characters in all scripts",
    )
    num_perm: int = Field(112, ge=16, le=1024, description="hashes in a signature")
    words: int = Field(5, ge=1, le=50, description="words a shingle")
    chars: int = Field(
        8, ge=1, le=100, description="characters a shingle, in unspaced scripts or by characters"
    )
    seed: int = Field(1, ge=0, lt=2**32, description="seed of the hash functions")

    @model_validator(mode="after")
    def _words_count(self) -> Self:
        if self.by == "characters" and "words" in self.model_fields_set:
            raise ValueError("`words` is of shingles of words; those by characters have `chars`")
        return self


WHOLE = 13  # the n-gram of GPT-3's analysis of overlaps, and the most of its range
SHORTEST = 8  # the least of it


class Overlap(Model):
    """Items that stand inside documents, found by the n-grams that both have."""

    words: int = Field(6, ge=2, le=100, description="words an n-gram")
    chars: int = Field(10, ge=2, le=100, description="characters an n-gram, in unspaced scripts")
    whole: int | None = Field(
        None,
        ge=2,
        le=100,
        description="a text of fewer words is found as a whole alone, in characters as `chars` is to `words`"
        " (default: 13, or `words` if they are more)",
    )
    shortest: int | None = Field(
        None,
        ge=1,
        le=100,
        description="words of the shortest text that is looked for (default: 8, or `whole` if that is less)",
    )
    covered: Share = Field(
        0.55,
        gt=0,
        le=1,
        description="share of a text, in one document, from which on that document goes",
        json_schema_extra={"default": "55%"},
    )
    common: Share | None = Field(
        0.001,
        gt=0,
        le=1,
        description="n-grams are left out that more than this share of a source's documents have, and more than 10,"
        " or as many of the texts; `null`: none are",
        json_schema_extra={"default": "0.1%"},
    )

    action: Literal["drop", "cut"] = Field(
        "drop", description="the document goes, or the sentences that the n-grams stand in"
    )
    margin: int = Field(
        0, ge=0, le=10_000, description="of `cut`: characters before and after, which go as well"
    )

    @property
    def cuts(self) -> bool:
        """Whether passages are cut."""
        return self.action == "cut"

    @property
    def whole_unit(self) -> tuple[int, int]:
        """Words, or characters, of the shortest text that is found by its n-grams."""
        return self._unit(self.whole or max(WHOLE, self.words))

    @property
    def shortest_unit(self) -> tuple[int, int]:
        """Words, or characters, of the shortest text that is looked for."""
        return self._unit(self.shortest or min(SHORTEST, self.whole_unit[0]))

    def _unit(self, words: int) -> tuple[int, int]:
        return words, -(-words * self.chars // self.words)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.margin and not self.cuts:
            raise ValueError("`margin` is of what is cut: write `action: cut`")
        if self.whole and self.whole < self.words:
            raise ValueError(f"`whole` is less than an n-gram, which has {self.words} words")
        if self.shortest and self.shortest > self.whole_unit[0]:
            raise ValueError(f"`shortest` is more than `whole`, which is {self.whole_unit[0]} words")
        return self


class Protected(Model):
    """Documents that are kept out of every output and of every model's examples, with their copies."""

    from_: Names = Field((), alias="from", description="sources that hold them")
    benchmark: WrittenPaths = Field(
        (), description="in place of `from`: files of test items; relative to the definition"
    )
    columns: Columns = Field(
        ("text",),
        description="columns of `benchmark`, each a text of its own",
        json_schema_extra={"default": "text"},
    )
    exact: bool = Field(True, description="documents go that have the key text of a protected one")
    near: NearCopies | None = Field(
        NearCopies(),
        description="compare shingles as well; `null`: key texts alone",
        json_schema_extra={"default": "{}"},
    )
    overlap: Overlap | None = Field(
        None, description="look for them inside documents as well, by n-grams; `{}` for all defaults"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.from_) == bool(self.benchmark):
            raise ValueError("give `from`, sources, or `benchmark`, files of test items, one of them")
        if self.from_ and "columns" in self.model_fields_set:
            raise ValueError("`columns` are of a `benchmark`; the text of a source is its `text`")
        if not self.exact and self.near is None and self.overlap is None:
            raise ValueError("neither exact, near nor overlap is asked for")
        return self
