"""Model cards: what a trained model is, what it was trained on, how good it is, how its texts are prepared.

`card.json` is read by refinery, `card.md` by people. A card names its model by fingerprint, so that a card and a
model that do not belong together are never used together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from refinery.definition.trainings import RelevanceTraining
from refinery.definition.values import Model
from refinery.errors import InputError
from refinery.models.model_file import file_hash
from refinery.models.prevalence import Judged

CARD, CARD_TEXT = "card.json", "card.md"
MODEL = "model.bin"  # as training writes it
LINEAR = "model.npz"  # as recall writes it
MODEL_NAMES = (MODEL, "model.ftz", LINEAR)
NGRAM, TERMS = "model.ngram", "terms.txt"
OTHER_NAMES = (NGRAM, TERMS)  # of models that have a card and are no classifiers
LEAST_RECALL = 0.5  # of a suggested threshold, below which most of the domain would be lost
POSITIVE, NEGATIVE = "__label__relevant", "__label__other"  # of a model that refinery trains


class Point(Model):
    """A threshold and what keeping scores at or above it gives on the held-out documents."""

    threshold: float
    precision: float
    recall: float
    f1: float
    kept: int


class Bin(Model):
    """Held-out documents with scores in one tenth of the range: how many, their mean score, the positive share."""

    documents: int
    mean_score: float
    positive_share: float


class Counts(Model):
    """Documents of one class: read, left after dropping empty and repeated ones, and held out."""

    read: int
    used: int
    held_out: int


class SourceCounts(Model):
    """Documents of a source that came for a class, and how many of them were drawn."""

    part: str
    source: str
    documents: int
    drawn: int


class SourceJudgement(Model):
    """Held-out documents of a source and class: how many, and the share at or above the suggested threshold.

    left_out: whether the model that scored them had seen nothing of the source; average_precision: of them and the
    other class's held-out documents.
    """

    part: str
    source: str
    held_out: int
    left_out: bool
    reached: float
    average_precision: float


class ExpectedPrecision(Model):
    """The precision of the suggested threshold where a share of documents is relevant, see models.prevalence."""

    share: float
    precision: float
    low: float
    high: float


class Judgement(Model):
    """How good scores are, by documents held out.

    precision_bound: what the suggested threshold reaches at least, with a confidence of 90 %. Where that is below
    `wanted_precision` no threshold that keeps half of the domain reaches it for sure, see models.metrics. Of
    recall it is the lower end of the interval of 95 %.
    expected: by share of relevant documents; judged: the same documents by source.
    """

    wanted_precision: float
    suggested: Point
    precision_bound: float
    at_half: Point
    auc: float | None = None
    average_precision: float
    false_positive_rate: float | None
    curve: tuple[Point, ...]
    calibration: tuple[Bin, ...]
    expected: tuple[ExpectedPrecision, ...] = ()
    judged: tuple[SourceJudgement, ...] = ()


class Card(Judgement):
    """Everything about a model that scores documents.

    kind: the word by which a definition makes it; column: what the threshold is of; labels, positive_label: of a
    classifier; sources: by class, names of stages and sources, or paths; drawn: of a run's documents, from what.
    style_auc: how well style alone tells the classes apart; languages: by class the most frequent one and its share,
    see models.style.
    """

    format: Literal[1] = 1
    kind: str = RelevanceTraining.word
    column: str = RelevanceTraining.columns[0]
    model: str  # fingerprint, xxh3-128 of the file
    labels: tuple[str, ...]
    positive_label: str
    preparation: str
    training: dict[str, int | float | str]
    sources: dict[str, tuple[str, ...]]
    drawn: tuple[SourceCounts, ...] = ()
    positive: Counts
    negative: Counts
    near_duplicate_groups: int
    contradictory: int
    style_auc: float | None = None
    languages: dict[str, tuple[str, float]] = Field({})

    @property
    def at_suggested(self) -> Judged | None:
        """What judged the suggested threshold; None of a card without the rate of false positives."""
        if self.false_positive_rate is None:
            return None
        positives, negatives = self.positive.held_out, self.negative.held_out
        found, wrong = round(self.suggested.recall * positives), round(self.false_positive_rate * negatives)
        return Judged(positives, found, negatives, wrong)


def resolve(path: Path) -> tuple[Path, Card | None]:
    """The model file at `path` (a file, or a folder that holds one) and its card, if it has one.

    Raises InputError for a folder without a model, and for a card that is broken or belongs to another model.
    """
    file = path
    if path.is_dir():
        found = [path / name for name in (*MODEL_NAMES, *OTHER_NAMES) if (path / name).is_file()]
        if not found:
            names = " or ".join(MODEL_NAMES)
            raise InputError(str(path), f"the folder holds no {names}", "train one: refinery train relevance")
        file = found[0]
    card_file = file.with_name(CARD)
    if not card_file.is_file():
        return file, None
    try:
        card = Card.model_validate_json(card_file.read_bytes())
    except (OSError, ValidationError) as error:
        problem = f"not a usable model card: {str(error).splitlines()[0]}"
        raise InputError(str(card_file), problem, "train the model again") from None
    if card.model != file_hash(file):
        if file is path:
            return file, None
        hint = "train the model again, or remove the card to score with fastText's own rules"
        raise InputError(str(card_file), f"the card belongs to another model than {file.name}", hint)
    return file, card
