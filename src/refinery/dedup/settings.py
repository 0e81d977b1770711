"""What a stage may write under `dedup`."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from refinery.definition.protections import Fold, NearCopies
from refinery.definition.values import Columns, Model, OneOrMore
from refinery.filters.ranking import Missing, Ranking


class Near(NearCopies):
    """Near-duplicate removal: MinHash-LSH proposes, signature and text settle."""

    within: Columns = Field(
        (), description="columns that documents must share to be compared (default: all are compared)"
    )
    keep_versions: bool = Field(
        False, description="a document stays that says a passage otherwise, between passages that both have"
    )
    bands: int | None = Field(
        None, ge=2, description="LSH bands (default: as few as find 97 % of pairs at the threshold)"
    )
    rows: int | None = Field(None, ge=1, description="rows a band (default: as many as leave that recall)")

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if (self.bands is None) != (self.rows is None):
            raise ValueError("give both bands and rows, or neither")
        if self.bands and self.rows and self.bands * self.rows > self.num_perm:
            raise ValueError(f"bands x rows is more than num_perm ({self.num_perm})")
        return self


class Settings(Model):
    """One document of each group of duplicates is kept."""

    by: Columns = Field(
        (), description="columns whose values, all together, no two documents share (a PMID, DOI, URL)"
    )
    exact: bool | None = Field(
        None, description="compare key texts as a whole (default: true, or false where `by` is given)"
    )
    near: Near | None = Field(None, description="compare shingles as well; `{}` for all defaults")
    fold: Fold | None = Field(
        None, description="`simplified`: traditional Chinese characters are compared as simplified ones"
    )
    prefer: Annotated[tuple[Ranking, ...], OneOrMore()] = Field(
        (),
        description='which one is kept, in order: "source" or "COLUMN DESC"; "COLUMN" alone ranks low values first',
    )
    missing: Missing | None = Field(
        None, description="where documents rank whose source lacks a column of `prefer`"
    )
    against: str | None = Field(
        None, description="output folder of an earlier run, whose documents are never kept again"
    )

    @model_validator(mode="before")
    @classmethod
    def _guards_are_of_the_run(cls, given: Any) -> Any:
        if isinstance(given, dict) and "max_cluster_share" in given:
            share = given["max_cluster_share"]
            raise ValueError(
                f"max_cluster_share is a guard: write `guards: {{duplicates_of_one: {share}}}`, at the top"
            )
        return given

    @model_validator(mode="after")
    def _something_is_compared(self) -> Self:
        if not self.compares_texts and self.near is None and not self.by:
            raise ValueError("neither by, exact nor near is asked for")
        if self.fold and not self.compares_texts and self.near is None:
            raise ValueError("`fold` is for texts, and no texts are compared: ask for exact or near")
        return self

    @property
    def compares_texts(self) -> bool:
        """Whether key texts are compared."""
        return not self.by if self.exact is None else self.exact
