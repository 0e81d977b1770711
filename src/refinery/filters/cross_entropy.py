"""Measurer `cross_entropy`: how predictable a text is under n-gram models of a domain's text and of ordinary text.

    models: {medical: {ngram: {positive: seeds, raw: crawl}}}
    measure: [{cross_entropy: {model: medical}}]
    select: {tokens: 2B, by: cross_entropy_difference}

cross_entropy, cross_entropy_raw: bits a word (a character in scripts without spaces) under each model.
cross_entropy_difference: what the raw one has more; the higher, the more a document is like the domain's (Moore and
Lewis 2010, P10-2041; they rank by its negative). A model of `raw` alone gives cross_entropy_raw, of which
2 ** -cross_entropy_raw is the commonness of SoftDeDup (He et al. 2024, arXiv 2407.06654): the geometric mean of the
words' probabilities. A document without a word has NULL. See refinery.models.ngram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field

from refinery.definition.paths import AnyModel, made_by
from refinery.definition.trainings import NgramTraining
from refinery.definition.values import Model
from refinery.filters.model_measurer import ModelMeasurer, used_file

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

_OF_TWO = ("cross_entropy", "cross_entropy_raw", "cross_entropy_difference")
_OF_RAW = ("cross_entropy_raw",)


class Settings(Model):
    """A model."""

    model: Annotated[AnyModel, AfterValidator(made_by(NgramTraining))] = Field(
        description="a model made by `ngram`, the folder of one, or its .ngram file"
    )


@dataclass(frozen=True)
class CrossEntropy(ModelMeasurer):
    """Columns cross_entropy, cross_entropy_raw and cross_entropy_difference, float64; the second alone of one text.

    texts: 2, or 1 of raw.
    """

    texts: int = 2
    name: str = "cross_entropy"
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        """A column, or three."""
        return pa.schema([(name, pa.float64()) for name in (_OF_TWO if self.texts == 2 else _OF_RAW)])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not made or not what it was when this was built."""
        from refinery.models.ngram import load_ngrams
        from refinery.text.prepare import prepare

        bits, words = load_ngrams(self.made_path, self.fingerprint).cross_entropies(prepare(batch))
        columns = list(bits) if self.texts == 1 else [*bits, bits[1] - bits[0]]
        arrays = [pa.array(column, mask=words == 0) for column in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def build(settings: Settings) -> CrossEntropy:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models.model_file import file_hash
    from refinery.models.ngram import MODEL, load_ngrams

    use = settings.model
    file = used_file(use, MODEL)
    if file is None:
        texts = 2 if isinstance(use.training, NgramTraining) and use.training.positive else 1
        return CrossEntropy(None, use.recipe, texts, models=use.made)
    return CrossEntropy(file, file_hash(file), load_ngrams(file).texts, models=use.made)
