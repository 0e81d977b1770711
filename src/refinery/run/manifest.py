"""The run manifest: the definition, what it met, what each stage and rule did, exactly which files came out."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from refinery.filters.calibration.account import Calibration
from refinery.filters.verb import VerbTable
from refinery.models.binomial import Estimate
from refinery.recall.account import Recalled
from refinery.run.decide import StageTally, Tally
from refinery.sources.passed_over import PassedOver
from refinery.storage.write import WrittenFile


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BrokenShard(_Model):
    """A file that could not be read at all."""

    path: str
    problem: str


class SourceAccount(_Model):
    """What was read from a source."""

    shards: int
    documents: int
    rejected: int
    bytes: int
    reasons: dict[str, int]
    skipped: dict[str, int]
    nulled: dict[str, int] = {}
    unmatched: dict[str, int] = {}  # documents without a row of a joined table, by its columns
    broken: tuple[BrokenShard, ...]
    ignored: int
    passed_over: tuple[PassedOver, ...] = ()


class SplitAccount(_Model):
    """What is in a split."""

    documents: int
    files: tuple[str, ...]


class TokenAccount(_Model):
    """Of token ids; tokenizer: SHA-256 of its file; tokens: of all documents, with those that end them."""

    tokenizer: str
    vocabulary: int
    dtype: str
    eod: str
    eod_id: int
    tokens: int


class PartAccount(_Model):
    """A part of a mix: what it is asked for and has to give, and what is written of it, the first time and again.

    wanted: tokens that its share is; documents, tokens: that are there, unique; held_out: those of the tokens that
    are held out; filled: tokens that the mix gave, without these; largest: times that one document is written.
    """

    share: float
    wanted: int
    documents: int
    tokens: int
    held_out: int
    filled: int
    most_repeats: int
    kept: Tally
    repeated: Tally
    largest: int

    @property
    def exposures(self) -> int:
        """Tokens that are written, repeated ones each time."""
        return self.kept.tokens + self.repeated.tokens

    @property
    def epochs(self) -> float:
        """Times that a token which is there is written, on average."""
        return self.exposures / self.tokens if self.tokens else 0.0


class Suggested(_Model):
    """What came to a rule that keeps what reaches a model's suggested threshold, and what is estimated of it.

    relevant: the share of it that is relevant; precision: of what is kept; wanted: the model's `precision`.
    """

    model: str
    threshold: float
    documents: int
    reached: int
    relevant: Estimate
    precision: Estimate
    wanted: float


class Manifest(_Model):
    """The record of a finished run of one output."""

    refinery: str
    pipeline: str
    output: str
    fingerprint: str
    definition: dict[str, Any]
    measurers: dict[str, dict[str, Any]]
    versions: dict[str, str]
    sources: dict[str, SourceAccount]
    protected: dict[str, SourceAccount] = {}
    stages: dict[str, StageTally]
    calibrated: dict[str, Calibration] = {}
    suggested: dict[str, dict[str, Suggested]] = {}  # by stage and rule
    recalled: dict[str, Recalled] = {}  # models on the way
    kept: Tally
    repeated: Tally = Tally()
    parts: dict[str, PartAccount] = {}
    tables: dict[str, tuple[VerbTable, ...]] = {}  # by stage, what its verb tells of what it did
    licences: dict[str, dict[str, int]] = {}
    languages: dict[str, int] = {}
    splits: dict[str, SplitAccount]
    made_columns: tuple[str, ...]
    renamed_columns: dict[str, str]
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    files: tuple[WrittenFile, ...]
    file_keys: dict[str, str]
    decisions: tuple[WrittenFile, ...]
    rejects: tuple[WrittenFile, ...]
    tokenised: TokenAccount | None = None
    sequences: tuple[WrittenFile, ...] = ()
    started: str
    seconds: dict[str, float]

    @property
    def written(self) -> Tally:
        """What the files hold: repeated documents each time, but where a column counts them."""
        counted = self.definition["outputs"][self.output].get("repeats") == "counts"
        return self.kept if counted else self.kept + self.repeated
