"""The records of recall: of each round its counts and estimates, the documents that came and went, and the whole."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from refinery.definition.values import Model
from refinery.errors import DamagedFile, counted, some_of
from refinery.models.binomial import Estimate
from refinery.recall.counts import SampleCounts
from refinery.storage.place import Place, read_file

ROUND, MOVED, RECALLED = "round.json", "moved.json", "recall.json"  # files: of a round two, of a model one
_NAMED = 10  # hosts
M = TypeVar("M", bound=BaseModel)


class RoundAccount(Model):
    """A round over a sample.

    positives, negatives: documents of the pool that are settled; open: that are not; recalled: those at or above
    the threshold; prevalence to strays: as in refinery.recall.rounds.Estimates;
    overlap: share of what this round or the one before recalls that both do; new_hosts: of what it recalls, None
    where no document has one; by_hosts: documents that it took for positive by their hosts, None where it was not to;
    good: whether its model may serve; stopped: why no round follows, empty
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
    by_hosts: int | None = None
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


class GoldHosts(Model):
    """The pages of gold hosts in the sample's pool: hosts, documents, and how many of them each round recalls.

    absent: those that were named of which it has none.
    """

    hosts: int
    absent: tuple[str, ...] = ()
    documents: int
    recalled: tuple[int, ...]

    def sentence(self, number: int) -> str:
        """What the round of that number, from 1, recalls of them."""
        if not self.documents:
            return "none of them has a document in the sample; hosts are known of files with a column `url`"
        found = self.recalled[number - 1]
        share = f"{found:,} of {counted(self.documents, 'document')} of {counted(self.hosts, 'host')} in the sample"
        absent = (
            f"; without a document there: {some_of(self.absent[:_NAMED], len(self.absent))}"
            if self.absent
            else ""
        )
        return f"round {number} finds {share}, {found / self.documents:.1%}{absent}"


class Recalled(Model):
    """How a model was made.

    rounds: those that were made; chosen: the number of the one that the model is of; kept: documents of the sample's
    pool that the model, which was fitted to them, scores at or above that round's threshold; gold: None where the
    definition names no gold host.
    """

    sample: SampleCounts
    rounds: tuple[RoundAccount, ...]
    chosen: int
    kept: int
    gold: GoldHosts | None = None


def read_account(kind: type[M], place: Place) -> M:
    """What stands in a file; raises DamagedFile."""
    try:
        return kind.model_validate_json(read_file(place))
    except (OSError, ValidationError):
        raise DamagedFile(str(place), "it is not as it was written") from None
