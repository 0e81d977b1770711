"""Measurer `importance`: how much more likely a document's words are in a target domain than in raw text (DSIR).

    models: {medical: {importance: {positive: seeds, raw: crawl}}}
    measure: [{importance: {model: medical}}]
    select: {tokens: 2B, by: importance_per_token}

importance: the log-ratio, nats, not normalised for length, as DSIR resamples by. importance_per_token: the same
divided by the document's words. Both are 0 for a document without a word. See refinery.models.importance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field

from refinery.definition.paths import AnyModel, made_by
from refinery.definition.trainings import ImportanceTraining
from refinery.definition.values import Model
from refinery.filters.model_measurer import ModelMeasurer, used_file

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch


class Settings(Model):
    """A model."""

    model: Annotated[AnyModel, AfterValidator(made_by(ImportanceTraining))] = Field(
        description="a model made by `importance`, the folder of one, or its .npz file"
    )


@dataclass(frozen=True)
class Importance(ModelMeasurer):
    """Columns importance and importance_per_token, float64."""

    name: str = "importance"
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        """Two columns."""
        return pa.schema([("importance", pa.float64()), ("importance_per_token", pa.float64())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not made or not what it was when this was built."""
        from refinery.models.importance import load_importance
        from refinery.text.prepare import prepare

        found = load_importance(self.made_path, self.fingerprint).importance(prepare(batch))
        return pa.RecordBatch.from_arrays([pa.array(column) for column in found], schema=self.schema)


def build(settings: Settings) -> Importance:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models.importance import MODEL, load_importance
    from refinery.models.model_file import file_hash

    use = settings.model
    file = used_file(use, MODEL)
    if file is None:
        return Importance(None, use.recipe, models=use.made)
    load_importance(file)
    return Importance(file, file_hash(file), models=use.made)
