"""What a calibration found: thresholds published and moved, and what they cost of trusted text. JSON values alone."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

_ROUNDING = 1e-9  # of sums of shares
LANGUAGE, TOKENS = "lang", "tokens"  # columns that a calibration reads beside those of rules


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Loss(_Model):
    """Of so many documents and tokens so many are lost.

    token_interval: the shares of tokens between which the true one lies, with a confidence of 90 %; most_tokens: the
    one that is lost at most, with the same.
    """

    documents: int
    lost: int
    tokens: int
    lost_tokens: int
    most_tokens: float
    token_interval: tuple[float, float]

    @property
    def share(self) -> float:
        """Of documents."""
        return self.lost / max(self.documents, 1)

    @property
    def token_share(self) -> float:
        """Of tokens."""
        return self.lost_tokens / max(self.tokens, 1)

    @property
    def interval(self) -> tuple[float, float]:
        """The shares of documents between which the true one lies, with a confidence of 90 %."""
        from refinery.models.binomial import interval  # compiles kernels

        return interval(self.lost, self.documents) if self.documents else (0.0, 1.0)

    @property
    def most(self) -> float:
        """The share that is lost at most with a confidence of 90 %, of documents or of tokens, which is more."""
        from refinery.models.binomial import upper_bound  # compiles kernels

        return max(upper_bound(self.lost, self.documents), self.most_tokens)

    def __str__(self) -> str:
        (low, high), (least, most) = self.interval, self.token_interval
        tokens = f"{self.token_share:.2%} of tokens ({least:.2%} to {most:.2%})"
        return f"{self.share:.2%} ({low:.2%} to {high:.2%}), {tokens}"


class BeforeAfter(_Model):
    """Losses by the published and by the moved rules."""

    published: Loss
    moved: Loss


class MovedThreshold(_Model):
    """A number of a rule as it was published and as it stands now, the same where it stays."""

    column: str
    operator: str
    published: str
    moved: str

    @property
    def is_void(self) -> bool:
        """Whether it moved so far that no document can fail it."""
        from refinery.filters.calibration.bounds import cannot_fail

        return self.published != self.moved and cannot_fail(self.column, self.operator, self.moved)


class Failing(_Model):
    """Documents that fail a rule, whatever others say: trusted ones, their tokens, those that fail it alone, junk."""

    documents: int
    tokens: int
    only: int
    junk: int


class RuleAccount(_Model):
    """A rule with its predicate as published and as moved, and what fails each."""

    name: str
    published: str
    predicate: str
    thresholds: tuple[MovedThreshold, ...]
    before: Failing
    after: Failing

    @property
    def is_moved(self) -> bool:
        """Whether a threshold of it is another one."""
        return self.published != self.predicate


class LanguageAccount(_Model):
    """Trusted documents that are judged together; language: empty for those of several.

    fitted: the half by which thresholds were moved; judged: the half that was not seen.
    """

    language: str
    fitted: BeforeAfter
    judged: BeforeAfter


class JunkAccount(_Model):
    """Documents of junk, and how many the published and the moved rules drop."""

    documents: int
    published: int
    moved: int


class Calibration(_Model):
    """Rules with their thresholds moved so that text like the trusted stays, and what that costs.

    lose: the share that may be lost; documents, tokens: of the trusted text; notes: what a person should know, a
    sentence each.
    """

    lose: float
    documents: int
    tokens: int
    rules: tuple[RuleAccount, ...]
    languages: tuple[LanguageAccount, ...]
    junk: JunkAccount | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether the documents that moved thresholds are enough, and like enough, to tell that no more is lost."""
        return all(one.fitted.moved.most <= self.lose + _ROUNDING for one in self.languages)

    @property
    def predicates(self) -> dict[str, str]:
        """The moved predicate of each rule by its name."""
        return {rule.name: rule.predicate for rule in self.rules}
