"""Measurer `terms`: how much of a text are terms of a lexicon, such as a domain's vocabulary or a spammer's.

    models: {medical: {terms: {positive: journals, negative: crawl}}}
    measure:
      - {terms: {model: medical}}                       # mined by the run, see refinery.models.terms
      - {terms: {file: drugs.txt, as: drugs}}           # a list of one's own, see refinery.filters.lexicon
      - {terms: {pack: zh-gambling}}                    # one that comes with the package
    keep: [{medical: "term_density >= 0.05"}, {no_casino: "zh_gambling_term_density < 0.02"}]

term_density: characters in terms over all characters, of letters and digits alone, float64, 0 of a text without
any; term_count: terms, which do not overlap, the longest that begins at a word or character first; distinct_terms:
different ones. Columns of a pack begin with its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Self

import pyarrow as pa
from pydantic import AfterValidator, Field, model_validator

from refinery.definition.paths import AnyModel, FileOrUrl, made_by
from refinery.definition.trainings import TermMining
from refinery.definition.values import Model
from refinery.errors import InputError
from refinery.filters.lexicon import Folding, folding_tables, load_lexicon, pack_columns, pack_file
from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch


class Settings(Model):
    """A lexicon."""

    file: FileOrUrl | None = Field(None, description="a text file with a term a line; also compressed")
    pack: str | None = Field(None, description="the name of a lexicon that comes with the package")
    model: Annotated[AnyModel, AfterValidator(made_by(TermMining))] | None = Field(
        None, description="a model made by `terms`, or the folder or file of one"
    )
    fold: Folding = Field(
        "plain",
        description="plain: capitals, width, punctuation are as one; simplified: traditional characters too; "
        "obfuscations: also look-alikes, emoji and accents; a pack always has these",
    )

    @model_validator(mode="after")
    def _one_lexicon(self) -> Self:
        if sum(one is not None for one in (self.file, self.pack, self.model)) != 1:
            raise ValueError("give one of `file`, `pack` and `model`")
        if self.pack and "fold" in self.model_fields_set:
            raise ValueError("`fold` is of a lexicon of your own; a pack has its own")
        return self


@dataclass(frozen=True)
class Terms(Measurer):
    """Three columns; path: None until the model is made; fingerprint: of the lexicon, until then how it is made.

    pack: the name of the lexicon if it comes with the package.
    """

    path: str | None
    fingerprint: str
    fold: Folding = "plain"
    pack: str = ""
    models: tuple[str, ...] = ()
    name: str = "terms"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The lexicon by its content, as `model` where the run makes it, and how it is folded."""
        return {"model" if self.models else "file": self.fingerprint, "fold": self.fold, "pack": self.pack}

    @property
    def files(self) -> tuple[str, ...]:
        """The lexicon, unless it is there with the package."""
        return (self.path,) if self.path and not self.pack else ()

    @property
    def schema(self) -> pa.Schema:
        """Three columns, never NULL."""
        kinds = pa.float64(), pa.int64(), pa.int64()
        return pa.schema(zip(pack_columns(self.pack), kinds, strict=True))

    @property
    def speed(self) -> float:
        """Folding and one walk."""
        return 100e6

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the lexicon is not made or not what it was when this was built."""
        import numpy as np

        from refinery.text.fold import fold_texts
        from refinery.text.terms import find_terms

        if self.path is None:
            raise InputError(self.models[0], "the model is not made yet")
        path = str(pack_file(self.pack)) if self.pack else self.path
        lexicon, tables = load_lexicon(path, self.fold, self.fingerprint), folding_tables(self.fold)
        found = find_terms(fold_texts(batch, tables), lexicon.terms, lexicon.automaton, tables)
        density = found.matched / np.maximum(found.characters, 1)
        columns = [pa.array(column) for column in (density, found.terms, found.distinct)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def build(settings: Settings) -> Terms:
    """The measurer; reads the lexicon if this machine has not yet. Raises InputError for one that cannot be used."""
    from refinery.filters.listed_file import list_hash
    from refinery.models.terms import MODEL

    use, made = settings.model, settings.model.made if settings.model else ()
    if use and use.path is None:
        return Terms(None, use.recipe, settings.fold, models=made)
    fold: Folding = settings.fold
    path = settings.file or ""
    if settings.pack:
        path, fold = str(pack_file(settings.pack)), "obfuscations"
    elif use and use.path:
        path = str(use.path / MODEL if use.path.is_dir() else use.path)
    fingerprint = list_hash(path)
    load_lexicon(path, fold, fingerprint)
    return Terms(path, fingerprint, fold, settings.pack or "", made)
