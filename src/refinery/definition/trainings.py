"""Models of a definition: a file, or how the run makes them.

Of each way `word` is the key that asks for it, and `parts` are the fields that name stages or sources. `columns` are
what a model measures by that name; its card suggests a threshold of the first.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from refinery.definition.values import Model, Names, Share, WrittenPath


class ModelFile(Model):
    """A model that is there already."""

    file: WrittenPath = Field(
        description="file or folder of the model, on this machine; relative to the definition"
    )


Drawn = Annotated[int, Field(ge=20, description="how many of their documents are drawn at most")]

Precision = Annotated[float, Field(gt=0, le=1, description="precision of the suggested threshold")]


class RelevanceTraining(Model):
    """A fastText classifier that tells the documents of a domain from others, with a card of how good it is."""

    word: ClassVar = "train"
    parts: ClassVar = ("positive", "negative")
    columns: ClassVar = ("relevance",)

    positive: Names = Field(min_length=1, description="stages or sources of the domain's documents")
    negative: Names = Field(min_length=1, description="stages or sources of other documents")
    positive_documents: Drawn = 100_000
    negative_documents: Drawn = 200_000
    precision: Precision = 0.9
    held_out: Share = Field(
        0.2,
        le=0.9,
        description="share of each class that judges the model",
        json_schema_extra={"default": "20%"},
    )
    dim: int = Field(16, ge=1, description="width of word vectors")
    word_ngrams: int = Field(2, ge=1, description="longest runs of words that are features")
    epochs: int = Field(5, ge=1, description="times that each example is seen")
    learning_rate: float = Field(0.5, gt=0, description="step of the training at its beginning")
    min_count: int = Field(2, ge=1, description="a rarer word is no feature by itself")
    buckets: int = Field(500_000, ge=1, description="rows that runs of words share")
    seed: int = Field(1, ge=0, description="the same documents and seed give the same model")


class ImportanceTraining(Model):
    """How often hashed n-grams occur in a domain's documents and in ordinary ones (DSIR)."""

    word: ClassVar = "importance"
    parts: ClassVar = ("positive", "raw")
    columns: ClassVar = ("importance_per_token", "importance")

    positive: Names = Field(min_length=1, description="stages or sources of the domain's documents")
    raw: Names = Field(min_length=1, description="stages or sources of ordinary documents")
    positive_documents: Drawn = 500_000
    raw_documents: Drawn = 500_000
    buckets: int = Field(10_000, ge=1, description="counts that n-grams share")
    precision: Precision = 0.9
    seed: int = Field(1, ge=0, description="of the choice of documents")


class NgramTraining(Model):
    """Language models of n-grams: of a domain's documents and of ordinary ones, or of these alone (Kneser-Ney)."""

    word: ClassVar = "ngram"
    parts: ClassVar = ("positive", "raw")
    columns: ClassVar = ("cross_entropy_difference", "cross_entropy", "cross_entropy_raw")

    positive: Names = Field(
        (), description="stages or sources of the domain's documents; without them a model of `raw` alone"
    )
    raw: Names = Field(min_length=1, description="stages or sources of ordinary documents")
    positive_documents: Drawn = 50_000
    raw_documents: int | None = Field(
        None,
        ge=20,
        description="how many of their documents are drawn at most; default: as many as of the domain, "
        "or 50,000 without",
    )
    order: int = Field(5, ge=2, le=8, description="longest runs of words, or of characters, that are counted")
    min_count: int = Field(2, ge=1, description="a rarer run of three and more words is left out")
    held_out: Share = Field(
        0.05,
        le=0.5,
        description="share of the documents that is not counted, and judges the model",
        json_schema_extra={"default": "5%"},
    )
    precision: Precision = 0.9
    seed: int = Field(1, ge=0, description="of the choice of documents")


class NearestTraining(Model):
    """Seeds of a domain, to which documents are compared, and how frequent words are in ordinary text."""

    word: ClassVar = "nearest"
    parts: ClassVar = ("positive", "raw")
    columns: ClassVar = ("nearest", "nearest_seed")

    positive: Names = Field(
        min_length=1, description="stages or sources of the domain's documents, the seeds"
    )
    raw: Names = Field(min_length=1, description="stages or sources of ordinary documents")
    positive_documents: int = Field(
        1_000, ge=1, le=10_000, description="how many of their documents are drawn at most; more cost time"
    )
    raw_documents: Drawn = 20_000
    precision: Precision = 0.9
    seed: int = Field(1, ge=0, description="of the choice of documents")


class TermMining(Model):
    """A lexicon: the terms by which a domain's documents differ most from others."""

    word: ClassVar = "terms"
    parts: ClassVar = ("positive", "negative")
    columns: ClassVar = ("term_density", "term_count", "distinct_terms")

    positive: Names = Field(min_length=1, description="stages or sources of the domain's documents")
    negative: Names = Field(min_length=1, description="stages or sources of other documents")
    positive_documents: Drawn = 5_000
    negative_documents: Drawn = 5_000
    most: int = Field(5000, ge=1, le=100_000, description="terms of the lexicon at most")
    least_documents: int = Field(
        5, ge=1, description="documents of the domain that a term stands in, of those drawn"
    )
    words: int = Field(3, ge=1, le=5, description="words of a term at most")
    characters: int = Field(
        6,
        ge=1,
        le=10,
        description="characters of a term at most in scripts without spaces, where two are least",
    )
    precision: Precision = 0.9
    seed: int = Field(1, ge=0, description="of the choice of documents")


class TopicTraining(Model):
    """Topics of a corpus: clusters of its documents by their words."""

    word: ClassVar = "topics"
    parts: ClassVar = ("from_",)

    from_: Names = Field(alias="from", min_length=1, description="stages or sources of the documents")
    clusters: int = Field(100, ge=2, le=1000, description="how many topics")
    documents: Drawn = Field(20_000, description="how many documents are drawn at most to find them")
    seed: int = Field(1, ge=0, description="of the choice of documents and of the first centers")


class RecallTraining(Model):
    """A classifier of a domain by few of its documents and a pool in which more of it is found, round by round."""

    word: ClassVar = "recall"
    columns: ClassVar = ("relevance",)

    seeds: Names = Field(min_length=1, description="stages or sources of the domain's documents, 20 at least")
    pool: Names = Field(min_length=1, description="stages or sources in which more of the domain is")
    rounds: int = Field(1, ge=1, le=20, description="rounds at most; they stop where another gains nothing")
    seed_documents: Drawn = 5_000
    pool_documents: Drawn = 100_000
    precision: Precision = Field(
        0.9,
        description="precision that the suggested threshold is to reach by the pool's probabilities; it lies lower, "
        "down to 0.5, where two of five held-out seeds would not reach it",
    )
    beta: float = Field(
        1.0,
        gt=0,
        allow_inf_nan=False,
        description="the suggested threshold has the greatest F-beta of those that reach `precision`: above 1 recall "
        "weighs more",
    )
    gold_hosts: tuple[str, ...] = Field(
        (),
        description="hosts or sites whose pages are all of the domain, of which each round's recall is told",
    )
    rich_hosts: Share | None = Field(
        None,
        description="share of a host's pages found by a round, from which the next takes likely ones of the rest",
    )
    seed: int = Field(1, ge=0, description="of the choice of documents")

    @model_validator(mode="after")
    def _rounds_for_hosts(self) -> Self:
        if self.rich_hosts is not None and self.rounds == 1:
            raise ValueError(
                "rich_hosts bear on rounds after the first: give rounds: 2 or more, or leave it out"
            )
        return self

    @field_validator("gold_hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        from refinery.text.hosts import host_as_given

        names = {host: host_as_given(host) for host in hosts}
        if wrong := [host for host, name in names.items() if name is None]:
            raise ValueError(f"{wrong[0]!r} is no host; give hosts or sites, such as cancer.gov")
        return tuple(sorted({name for name in names.values() if name}))


class QuantileCount(Model):
    """Quantiles of what a stage has measured: where a document's scores stand among those of others."""

    word: ClassVar = "quantiles"
    parts: ClassVar = ("from_",)

    from_: Names = Field(alias="from", min_length=1, description="stages whose documents are counted")
    columns: tuple[str, ...] = Field(min_length=1, description="numbers that are measured or derived there")
    buckets: int = Field(20, ge=2, le=1000, description="of equal numbers of documents")
    documents: Drawn = Field(
        200_000, description="how many documents are counted at most, chosen by a hash of their identities"
    )

    @field_validator("columns")
    @classmethod
    def _once(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for number, name in enumerate(columns) if name in columns[:number]]:
            raise ValueError(f"{twice[0]} stands twice")
        return columns


# one maker makes such a model
OneStep = (
    RelevanceTraining
    | ImportanceTraining
    | NgramTraining
    | NearestTraining
    | TermMining
    | TopicTraining
    | QuantileCount
)
Training = OneStep | RecallTraining
ScoringTraining = ImportanceTraining | NgramTraining | NearestTraining | TermMining
SuggestingTraining = RelevanceTraining | RecallTraining | ScoringTraining  # whose models have cards


class NamedModel(Model):
    """One of: a file, or how the run makes it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    file: WrittenPath | None = Field(None, description=ModelFile.model_fields["file"].description)
    train: RelevanceTraining | None = Field(None, description="a classifier for `relevance` and `quality`")
    importance: ImportanceTraining | None = Field(None, description="weights for `importance`")
    ngram: NgramTraining | None = Field(None, description="language models for `cross_entropy`")
    nearest: NearestTraining | None = Field(None, description="seeds for `nearest`")
    terms: TermMining | None = Field(None, description="a lexicon for `terms`, mined")
    topics: TopicTraining | None = Field(None, description="topics for `topic`, found")
    recall: RecallTraining | None = Field(None, description="a classifier for `relevance`, by some seeds")
    quantiles: QuantileCount | None = Field(None, description="quantiles of scores, for `quantile_of` in SQL")

    @property
    def training(self) -> Training | None:
        """How the run makes it; None of a file."""
        two_texts = self.train or self.importance or self.ngram or self.nearest or self.terms
        return two_texts or self.topics or self.recall or self.quantiles

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = list(type(self).model_fields)
        if len(given := [kind for kind in kinds if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"a model has one of {', '.join(kinds)}, here {' and '.join(given) or 'none'}")
        return self
