"""Measurer `nearest`: how like a document is to the nearest seed of a domain.

    models: {like: {nearest: {positive: seeds, raw: crawl}}}
    measure: [{nearest: {model: like}}]
    select: {tokens: 2B, by: nearest}

nearest: the cosine of hashed words and pairs of words, weighed by how rare they are in ordinary text, 0 to 1;
nearest_seed: the number of that seed in the model's `seeds.jsonl`, NULL of a document that shares nothing with any.
See refinery.models.nearest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field

from refinery.definition.paths import AnyModel, made_by
from refinery.definition.trainings import NearestTraining
from refinery.definition.values import Model
from refinery.filters.model_measurer import ModelMeasurer, used_file

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch


class Settings(Model):
    """A model."""

    model: Annotated[AnyModel, AfterValidator(made_by(NearestTraining))] = Field(
        description="a model made by `nearest`, the folder of one, or its .npz file"
    )


@dataclass(frozen=True)
class Nearest(ModelMeasurer):
    """Columns nearest, float32, and nearest_seed, int32."""

    name: str = "nearest"
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        """Two columns."""
        return pa.schema([("nearest", pa.float32()), ("nearest_seed", pa.int32())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not made or not what it was when this was built."""
        from refinery.models.nearest import load_nearest
        from refinery.text.prepare import prepare

        cosines, numbers = load_nearest(self.made_path, self.fingerprint).nearest(prepare(batch))
        columns = [pa.array(cosines), pa.array(numbers, mask=numbers < 0)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def build(settings: Settings) -> Nearest:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models.model_file import file_hash
    from refinery.models.nearest import MODEL, load_nearest

    use = settings.model
    file = used_file(use, MODEL)
    if file is None:
        return Nearest(None, use.recipe, models=use.made)
    load_nearest(file)
    return Nearest(file, file_hash(file), models=use.made)
