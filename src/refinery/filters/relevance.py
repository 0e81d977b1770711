"""Measurer `relevance`: the probability of one label of a fastText classifier.

    models: {medical: {train: {positive: seeds, negative: screened}}}
    measure: [{relevance: {model: medical}}]                        # a model by name
    measure: [{relevance: {model: {file: dclm.bin}, label: hq}}]    # any supervised fastText model
    keep: [{on_topic: "relevance >= suggested('medical')"}]

A model trained by refinery has a card, which says how texts are prepared (see refinery.text.prepare) and which label
is meant. A model without a card is scored by fastText's own rules on the text as it is, newlines as spaces; the label
is then `relevant`, `positive`, `hq`, `pos`, `good` or `1` if the model has it, else it must be given. The value is
what `fasttext.predict` gives for the label, at most 1; it is 0 for a text without a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
from pydantic import AfterValidator, Field

from refinery.definition.paths import AnyModel, made_by
from refinery.definition.trainings import RecallTraining, RelevanceTraining
from refinery.definition.values import Model
from refinery.errors import InputError
from refinery.filters.model_measurer import ModelMeasurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

PREFIX = "__label__"
_POSITIVE = ("relevant", "positive", "hq", "pos", "good", "1")
_PLAIN, _WORDS = "plain", "words-1"


class Settings(Model):
    """A model, and the label whose probability is wanted."""

    model: Annotated[AnyModel, AfterValidator(made_by(RelevanceTraining, RecallTraining))] = Field(
        description="a model made by `train` or `recall`, the folder of one, or a fastText .bin or .ftz file"
    )
    label: str | None = Field(
        None, min_length=1, description="with or without __label__ (default: the card's)"
    )


@dataclass(frozen=True)
class Relevance(ModelMeasurer):
    """One float32 column, called as the measurer: the probability of `label`, 0 for a text without a token."""

    label: str
    preparation: str
    name: str = "relevance"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The model by its content, the label, and how texts are prepared."""
        return {"model": self.fingerprint, "label": self.label, "preparation": self.preparation}

    @property
    def schema(self) -> pa.Schema:
        """One column."""
        return pa.schema([(self.name, pa.float32())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; raises InputError if the model is not made or not what it was when this was built."""
        from refinery.models.card import LINEAR
        from refinery.models.linear import load_linear
        from refinery.models.scorer import load_scorer
        from refinery.text.prepare import prepare

        path, prepared = self.made_path, batch if self.preparation == _PLAIN else prepare(batch)
        if path.name == LINEAR:
            scores = load_linear(path, self.fingerprint).score(prepared)
        else:
            scorer = load_scorer(path, self.fingerprint)
            scores = scorer.probability(prepared, scorer.labels.index(self.label))
        return pa.RecordBatch.from_arrays([pa.array(scores)], schema=self.schema)


def build(settings: Settings) -> Relevance:
    """The measurer; raises InputError for a model that cannot be used or a label that it does not have."""
    from refinery.models import card, model_file

    use = settings.model
    if use.path is None:
        label = _choose((card.POSITIVE, card.NEGATIVE), settings.label or card.POSITIVE, use.name)
        return Relevance(None, use.recipe, label, _WORDS, models=use.made)
    file, about = card.resolve(use.path)
    if about and not about.labels:
        problem = f"it is a model made by `{about.kind}`, which measures {about.column}"
        raise InputError(str(file), problem, "give a classifier: one made by `train` or `recall`")
    if about is None and file.name == card.LINEAR:
        raise InputError(str(file), f"no {card.CARD} of it lies beside it", "give the model's whole folder")
    labels = about.labels if about and file.name == card.LINEAR else model_file.labels(file)
    wanted = settings.label or (about.positive_label if about else None)
    preparation = about.preparation if about else _PLAIN
    if preparation not in {_PLAIN, _WORDS}:
        problem = f"texts are prepared as {preparation!r}, which this version does not know"
        raise InputError(str(file.with_name(card.CARD)), problem, "train the model again")
    label = _choose(labels, wanted, str(file))
    return Relevance(file, model_file.file_hash(file), label, preparation, models=use.made)


def _choose(labels: tuple[str, ...], wanted: str | None, place: str) -> str:
    for name in _POSITIVE if wanted is None else (wanted,):
        for label in (name, PREFIX + name):
            if label in labels:
                return label
    shown = ", ".join(label.removeprefix(PREFIX) for label in labels[:20])
    problem = (
        "none of the model's labels is known to mean relevant" if wanted is None else f"no label {wanted!r}"
    )
    raise InputError(place, problem, f"set label to one of: {shown}")
