"""Measurer `topic`: the topic of a corpus that a document is nearest to, so that a selection is spread over them.

    models: {topics: {topics: {from: screened, clusters: 100}}}
    measure: [{topic: {model: topics}}]
    select: {tokens: 2B, by: relevance, most: {topic: 2%}}

topic: its number, NULL for a text without any of the model's terms. topic_similarity: the cosine with the topic's
center, 0 there. See refinery.models.topics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field

from refinery.definition.paths import AnyModel, made_by
from refinery.definition.trainings import TopicTraining
from refinery.definition.values import Model
from refinery.filters.model_measurer import ModelMeasurer, used_file

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch


class Settings(Model):
    """A model."""

    model: Annotated[AnyModel, AfterValidator(made_by(TopicTraining))] = Field(
        description="a model made by `topics`, the folder of one, or its .npz file"
    )


@dataclass(frozen=True)
class Topic(ModelMeasurer):
    """Columns topic, int32, and topic_similarity, float32."""

    name: str = "topic"
    version: int = 1

    @property
    def schema(self) -> pa.Schema:
        """Two columns."""
        return pa.schema([("topic", pa.int32()), ("topic_similarity", pa.float32())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not made or not what it was when this was built."""
        from refinery.models.topics import load_topics
        from refinery.text.prepare import prepare

        topics, cosines = load_topics(self.made_path, self.fingerprint).assign(prepare(batch))
        columns = [pa.array(topics, mask=topics < 0), pa.array(cosines)]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)


def build(settings: Settings) -> Topic:
    """The measurer; raises InputError when the model cannot be read or is none."""
    from refinery.models.model_file import file_hash
    from refinery.models.topics import MODEL, load_topics

    use = settings.model
    file = used_file(use, MODEL)
    if file is None:
        return Topic(None, use.recipe, models=use.made)
    load_topics(file)
    return Topic(file, file_hash(file), models=use.made)
