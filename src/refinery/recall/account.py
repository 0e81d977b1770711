"""The records of recall: of each round its counts and estimates, the documents that came and went, and the whole."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from refinery.definition.values import Model
from refinery.errors import DamagedFile
from refinery.models.binomial import Estimate
from refinery.recall.counts import SampleCounts
from refinery.storage.place import Place, read_file

ROUND, MOVED, RECALLED = "round.json", "moved.json", "recall.json"  # files: of a round two, of a model one
M = TypeVar("M", bound=BaseModel)


class RoundAccount(Model):
    """A round over a sample.

    positives, negatives: documents of the pool that are settled; open: that are not; recalled: those at or above
    the threshold; prevalence to strays: as in refinery.recall.rounds.Estimates;
    overlap: share of what this round or the one before recalls that both do; new_hosts: of what it recalls, None
    where no document has one; good: whether its model may serve; stopped: why no round follows, empty
    if one may.
    """

    number: int
    positives: int
    negatives: int
    open: int
    recalled: int
    threshold: float
    prevalence: Estimate
    precision: Estimate
    recall: Estimate
    similarity: float
    seed_similarity: float
    strays: float
    overlap: float | None
    new_hosts: int | None
    good: bool
    stopped: str


class MovedDocument(Model):
    """A document that a round recalls, or does not any more; before: its score in the round before."""

    source: str
    id: str | None
    host: str | None
    language: str
    score: float
    before: float | None
    head: str


class Moved(Model):
    """Some of the documents that came and of those that went, drawn at random, and how many did."""

    came: tuple[MovedDocument, ...]
    went: tuple[MovedDocument, ...]
    came_in_all: int
    went_in_all: int


class Recalled(Model):
    """How a model was made.

    rounds: those that were made; chosen: the number of the one that the model is of; kept: documents of the sample's
    pool that the model, which was fitted to them, scores at or above that round's threshold.
    """

    sample: SampleCounts
    rounds: tuple[RoundAccount, ...]
    chosen: int
    kept: int


def read_account(kind: type[M], place: Place) -> M:
    """What stands in a file; raises DamagedFile."""
    try:
        return kind.model_validate_json(read_file(place))
    except (OSError, ValidationError):
        raise DamagedFile(str(place), "it is not as it was written") from None
