"""The pipeline definition as frozen models: what may be written in the YAML, and nothing else.

These models are the single source of the checks, of the JSON Schema (`refinery schema`) and of the canonical
form that fingerprints are made of. They do no work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from refinery.definition.guards import Guards
from refinery.definition.licences import AllowedLicence, SourceLicence
from refinery.definition.source_columns import ColumnEntry, Joins
from refinery.definition.tokenization import Tokenize
from refinery.definition.values import (
    DEFAULT_FAMILY,
    ByteCount,
    ColumnName,
    Columns,
    Family,
    MeasurerUses,
    Model,
    Name,
    Names,
    OneOrMore,
    RuleSetName,
    Share,
    TransformUses,
    WrittenPath,
    WrittenPaths,
)

_CALIBRATES = "moves the thresholds of the rules, only to looser ones, so that trusted text stays"
TRAIN = "train"  # the split of all documents that are held out for no other


def kind_of_entry(value: object) -> str:
    """Whether an entry of a `keep` is the `name` of a rule set, a `set` with settings, or `predicates` by name."""
    if isinstance(value, str):
        return "name"
    is_set = isinstance(value, RuleSetUse) or (isinstance(value, dict) and "rules" in value)
    return "set" if is_set else "predicates"


class Source(Model):
    """Where raw text comes from and which of its columns are the text and the id."""

    path: WrittenPaths = Field(
        min_length=1, description="file, folder, glob or URL; relative to the definition"
    )
    transform: TransformUses | None = Field(
        None, description="rewrites its text, in place of the top level's `transform`; `[]`: nothing does"
    )
    text: Columns = Field(
        ("text",),
        min_length=1,
        description="text column, dotted for a nested one; of several the texts are joined by a blank line",
        json_schema_extra={"default": "text"},
    )
    id: str | None = Field(None, description="id column (default: `id` if there is one, else ids are minted)")
    format: Literal[
        "auto", "parquet", "jsonl", "json", "csv", "arrow", "text", "html", "xml", "warc", "wet", "tar", "zip"
    ] = Field("auto", description="format of the files (default: told by name, then by content)")
    record: str | None = Field(
        None,
        min_length=1,
        description="XML: the element that is a document, by its name or `a/path/of/names`",
    )
    extractor: Literal["resiliparse", "trafilatura"] = Field(
        "resiliparse", description="HTML to text, for WARC and HTML files"
    )
    binary_text: bool = Field(False, description="accept a binary text column that holds UTF-8")
    on_error: Literal["quarantine", "fail"] = Field(
        "quarantine", description="what a broken shard or row does"
    )
    max_document_bytes: ByteCount = Field(100 * 2**20, description="a longer row is rejected")
    columns: dict[str, ColumnEntry] = Field(
        {},
        description="its other columns: `keep` or `drop` with a list, or a column's name with a type, "
        "with `{from: ..., type: ...}`, or with `null` to drop it",
    )
    where: str | None = Field(
        None, description="SQL over its columns; rows for which it is not true are skipped"
    )
    join: Joins = Field(
        (), description="tables with more columns of its documents", json_schema_extra={"default": "[]"}
    )
    encoding: str | None = Field(
        None, description="encoding of JSON, CSV and text files, such as `gb18030` (default: UTF-8)"
    )
    licence: SourceLicence | None = Field(
        None, description="of all its documents, by SPDX, or `{column: NAME}`: of each what the column says"
    )
    trusted: bool = Field(False, description="no rule should drop much of it, see `guards`")

    @field_validator("encoding")
    @classmethod
    def _a_text_encoding_of_python(cls, encoding: str | None) -> str | None:
        try:
            "".encode(encoding or "utf-8")
        except LookupError:
            raise ValueError(
                f"no encoding {encoding!r}; there is gb18030, big5, shift_jis, utf-16, latin-1 ..."
            ) from None
        return encoding

    @field_validator("columns")
    @classmethod
    def _only_keep_and_drop_are_lists(cls, columns: dict[str, Any]) -> dict[str, Any]:
        for name, entry in columns.items():
            if isinstance(entry, tuple) and name not in {"keep", "drop"}:
                raise ValueError(
                    f"{name!r}: expected a type, {{from: NAME, type: TYPE}} or null; lists are of keep and drop"
                )
        return columns


Fold = Literal["simplified"]
Unit = Literal["words", "characters"]


class NearCopies(Model):
    """Near duplicates: MinHash-LSH proposes, signature and text settle."""

    similarity: float = Field(
        0.8, gt=0, le=1, description="similarity of shingles from which on a document goes, by `measure`"
    )
    measure: Literal["jaccard", "containment"] = Field(
        "jaccard", description="shared shingles over all of the two, or over those of the one that has fewer"
    )
    by: Unit = Field(
        "words",
        description="what shingles are of: words, and characters in unspaced scripts, or characters in all scripts",
    )
    num_perm: int = Field(112, ge=16, le=1024, description="hashes in a signature")
    words: int = Field(5, ge=1, le=50, description="words a shingle")
    chars: int = Field(
        8, ge=1, le=100, description="characters a shingle, in unspaced scripts or by characters"
    )
    seed: int = Field(1, ge=0, lt=2**32, description="seed of the hash functions")

    @model_validator(mode="after")
    def _words_count(self) -> Self:
        if self.by == "characters" and "words" in self.model_fields_set:
            raise ValueError("`words` is of shingles of words; those by characters have `chars`")
        return self


SHORTEST = 8  # the least n-gram of GPT-3's analysis of overlaps


class Overlap(Model):
    """Items that stand inside documents, found by the n-grams that both have."""

    words: int = Field(13, ge=2, le=100, description="words an n-gram")
    chars: int = Field(20, ge=2, le=100, description="characters an n-gram, in unspaced scripts")
    shortest: int | None = Field(
        None,
        ge=1,
        le=100,
        description="words of the shortest text that is looked for, in characters as `chars` is to `words`; one"
        " shorter than an n-gram is found as a whole (default: 8, or `words` if they are fewer)",
    )
    covered: Share = Field(
        0.5,
        gt=0,
        le=1,
        description="share of a text, in one document, from which on that document goes",
        json_schema_extra={"default": "50%"},
    )
    common: Share | None = Field(
        0.001,
        gt=0,
        le=1,
        description="n-grams are left out that more than this share of a source's documents have, and more than 10,"
        " or as many of the texts; `null`: none are",
        json_schema_extra={"default": "0.1%"},
    )

    action: Literal["drop", "cut"] = Field(
        "drop", description="the document goes, or the sentences that the n-grams stand in"
    )
    margin: int = Field(
        0, ge=0, le=10_000, description="of `cut`: characters before and after, which go as well"
    )

    @property
    def cuts(self) -> bool:
        """Whether passages are cut."""
        return self.action == "cut"

    @property
    def shortest_unit(self) -> tuple[int, int]:
        """Words, or characters, of the shortest text that is looked for."""
        words = self.shortest or min(SHORTEST, self.words)
        return words, -(-words * self.chars // self.words)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.margin and not self.cuts:
            raise ValueError("`margin` is of what is cut: write `action: cut`")
        if self.shortest and self.shortest > self.words:
            raise ValueError(f"`shortest` is more than an n-gram, which has {self.words} words")
        return self


class Protected(Model):
    """Documents that are kept out of every output and of every model's examples, with their copies."""

    from_: Names = Field((), alias="from", description="sources that hold them")
    benchmark: WrittenPaths = Field(
        (), description="in place of `from`: files of test items; relative to the definition"
    )
    columns: Columns = Field(
        ("text",),
        description="columns of `benchmark`, each a text of its own",
        json_schema_extra={"default": "text"},
    )
    exact: bool = Field(True, description="documents go that have the key text of a protected one")
    near: NearCopies | None = Field(
        NearCopies(),
        description="compare shingles as well; `null`: key texts alone",
        json_schema_extra={"default": "{}"},
    )
    overlap: Overlap | None = Field(
        None, description="look for them inside documents as well, by n-grams; `{}` for all defaults"
    )

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.from_) == bool(self.benchmark):
            raise ValueError("give `from`, sources, or `benchmark`, files of test items, one of them")
        if self.from_ and "columns" in self.model_fields_set:
            raise ValueError("`columns` are of a `benchmark`; the text of a source is its `text`")
        if not self.exact and self.near is None and self.overlap is None:
            raise ValueError("neither exact, near nor overlap is asked for")
        return self


class ModelFile(Model):
    """A model that is there already."""

    file: WrittenPath = Field(
        description="file or folder of the model, on this machine; relative to the definition"
    )


Drawn = Annotated[int, Field(ge=20, description="how many of their documents are drawn at most")]


class RelevanceTraining(Model):
    """A fastText classifier that tells the documents of a domain from others, with a card of how good it is."""

    word: ClassVar = "train"

    positive: Names = Field(min_length=1, description="stages or sources of the domain's documents")
    negative: Names = Field(min_length=1, description="stages or sources of other documents")
    positive_documents: Drawn = 100_000
    negative_documents: Drawn = 200_000
    precision: float = Field(0.9, gt=0, le=1, description="precision of the suggested threshold")
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

    positive: Names = Field(min_length=1, description="stages or sources of the domain's documents")
    raw: Names = Field(min_length=1, description="stages or sources of ordinary documents")
    positive_documents: Drawn = 500_000
    raw_documents: Drawn = 500_000
    buckets: int = Field(10_000, ge=1, description="counts that n-grams share")
    seed: int = Field(1, ge=0, description="of the choice of documents")


class TermMining(Model):
    """A lexicon: the terms by which a domain's documents differ most from others."""

    word: ClassVar = "terms"

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
    seed: int = Field(1, ge=0, description="of the choice of documents")


Training = RelevanceTraining | ImportanceTraining | TermMining


class NamedModel(Model):
    """One of: a file, or how the run makes it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    file: WrittenPath | None = Field(None, description=ModelFile.model_fields["file"].description)
    train: RelevanceTraining | None = Field(None, description="a classifier for `relevance` and `quality`")
    importance: ImportanceTraining | None = Field(None, description="weights for `importance`")
    terms: TermMining | None = Field(None, description="a lexicon for `terms`, mined")

    @property
    def training(self) -> Training | None:
        """How the run makes it; None of a file."""
        return self.train or self.importance or self.terms

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = list(type(self).model_fields)
        if len(given := [kind for kind in kinds if getattr(self, kind) is not None]) != 1:
            raise ValueError(f"a model has one of {', '.join(kinds)}, here {' and '.join(given) or 'none'}")
        return self


class RuleSetUse(Model):
    """A rule set with some of its rules left out."""

    rules: RuleSetName = Field(description="name or path of a rule set")
    without: Names = Field((), description="rules to leave out, without the set's name")


KeepEntry = Annotated[
    Annotated[RuleSetName, Tag("name")]
    | Annotated[RuleSetUse, Tag("set")]
    | Annotated[dict[Name, str], Tag("predicates")],
    Discriminator(kind_of_entry),
]


class Calibrate(Model):
    """Loosens the thresholds of a stage's rules so that trusted text stays, see docs/rules.md."""

    trusted: Names = Field(min_length=1, description="sources or stages whose text must stay")
    junk: Names = Field((), description="sources or stages of which as much as possible is to be dropped")
    lose: Share = Field(0.01, gt=0, lt=1, description="share of text like the trusted that may be lost")


class Stage(Model):
    """transform, measure, derive, keep, then at most one verb; verbs are keys that `pipeline_model` adds."""

    from_: Names = Field(
        alias="from", min_length=1, description="sources or stages; the order is the trust order"
    )
    transform: TransformUses = Field((), description="rewrites the text before it is measured and written")
    measure: MeasurerUses = Field((), description="makes columns for rules, rankings and outputs")
    derive: dict[ColumnName, str] = Field(
        {}, description="name to SQL over columns: more columns, each computed after those above it"
    )
    keep: Annotated[tuple[KeepEntry, ...], OneOrMore()] = Field(
        (), description="rule sets and rules, judged in this order"
    )
    calibrate: Calibrate | None = Field(None, description=_CALIBRATES)

    @property
    def verb(self) -> tuple[str, BaseModel] | None:
        """The name and the settings of its verb, if it has one."""
        return next(iter(self._verbs().items()), None)

    def _verbs(self) -> dict[str, BaseModel]:
        names = type(self).model_fields.keys() - Stage.model_fields.keys()
        return {name: found for name in sorted(names) if (found := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        if len(found := self._verbs()) > 1:
            raise ValueError(f"a stage has at most one verb, here {' and '.join(found)}; make two stages")
        return self

    @model_validator(mode="after")
    def _calibrates_rules(self) -> Self:
        if self.calibrate and not self.keep:
            raise ValueError("calibrate moves the thresholds of rules: write some under `keep`")
        return self


def _kind_of_part(value: object) -> str:
    is_share = not isinstance(value, str) or re.fullmatch(r"\s*[0-9.]*\s*%?\s*", value)
    return "share" if is_share else "condition"


SplitPart = Annotated[
    Annotated[Share, Tag("share")] | Annotated[str, Tag("condition")], Discriminator(_kind_of_part)
]


class Output(Model):
    """Where a stage's documents are written."""

    from_: Name = Field(alias="from", description="the stage whose documents are written")
    path: WrittenPath = Field(description="folder or URL of this output alone; relative to the definition")
    format: Literal["parquet", "jsonl"] = Field(
        "parquet", description="`parquet`, or `jsonl` for JSON Lines in zstd"
    )
    tokenize: Tokenize | None = Field(
        None,
        description="tokenizers JSON file: token ids are written in place of texts, as Megatron's `.bin` and `.idx`",
    )
    measurements: tuple[str, ...] | None = Field(
        None,
        description="measured and derived columns to write "
        "(default: licence, lang, lang_score, relevance, quality, importance, neural, tokens)",
    )
    licences: Annotated[tuple[AllowedLicence, ...], OneOrMore()] = Field(
        (), min_length=1, description="SPDX identifiers; documents under others, or none, are left out"
    )
    shard_bytes: ByteCount = Field(256 * 2**20, description="text bytes an output shard holds")
    shuffle: int | None = Field(
        1, ge=0, strict=True, description="seed of a shuffle of all documents; `null`: input order"
    )
    split: dict[Name, SplitPart] = Field(
        {},
        description="name to the documents that are held out of `train`: a share, by a hash of their words, or SQL "
        "over columns of the sources' files",
    )
    split_by: str | None = Field(
        None,
        description="column of the sources' files, or `site` and the like, by whose value shares go, "
        "in place of the words",
    )

    @property
    def shares(self) -> dict[str, float]:
        """Of the splits that have one."""
        return {name: part for name, part in self.split.items() if isinstance(part, float)}

    @property
    def conditions(self) -> dict[str, str]:
        """Of the splits that have one."""
        return {name: part for name, part in self.split.items() if isinstance(part, str)}

    @field_validator("split")
    @classmethod
    def _train_is_the_rest(cls, split: dict[str, float | str]) -> dict[str, float | str]:
        if TRAIN in split:
            raise ValueError(f"{TRAIN!r} is what the others leave; name those")
        for name in split:
            if not name.isidentifier():
                raise ValueError(f"loaders know a split by letters, digits and _ alone, not by {name!r}")
        shares = [Fraction(str(part)) for part in split.values() if isinstance(part, float)]
        if shares and len(shares) < len(split):
            raise ValueError("give all splits a share, or all of them a condition")
        if sum(shares) >= 1:
            raise ValueError(f"together they leave nothing for {TRAIN!r}")
        return split

    @model_validator(mode="after")
    def _ids_have_no_columns(self) -> Self:
        if self.tokenize and (extra := {"format", "measurements"} & self.model_fields_set):
            raise ValueError(
                f"token ids have no {' and no '.join(sorted(extra))}; write texts to another output"
            )
        return self

    @model_validator(mode="after")
    def _shares_by_a_column(self) -> Self:
        if self.split_by and not self.shares:
            raise ValueError("`split_by` says by what the shares of `split` go; there are none")
        return self


SOME: dict[str, JsonValue] = {
    "minProperties": 1
}  # checked by `load`: what is left of a wrong one may be empty


class Tokens(Model):
    """Whose tokens are counted: estimated for a family of tokenizers, or exactly by one tokenizer."""

    family: Family = Field(DEFAULT_FAMILY, description="tokenizers for which `tokens` is estimated")
    tokenizer: WrittenPath | None = Field(
        None, description="tokenizers JSON file for exact counts, in place of an estimate"
    )


class Pipeline(Model):
    """A whole definition."""

    refinery: Literal[1] = Field(description="version of this format")
    name: Name = Field(description="name of the pipeline; its outputs carry it")
    roots: dict[Name, WrittenPath] = Field(
        {}, description="name to folder or URL that `{NAME}` in a path stands for; `--root` sets another"
    )
    protect: dict[Name, Protected] = Field(
        {}, description="name to what is kept out of every output and of every model's examples"
    )
    transform: TransformUses = Field(
        (), description="rewrites the text of every source that has no `transform` of its own"
    )
    sources: dict[Name, Source] = Field(json_schema_extra=SOME, description="name to source")
    tokens: Tokens = Field(Tokens(), description="whose tokens the column `tokens` counts")
    models: dict[Name, NamedModel] = Field({}, description="name, as `model:` uses it, to model")
    stages: dict[Name, Stage] = Field({}, json_schema_extra=SOME, description="name to stage")
    outputs: dict[Name, Output] = Field(
        {}, json_schema_extra=SOME, description="name to what is written where"
    )
    guards: Guards = Field(
        Guards(),
        description="shares from which on a run warns or stops",
        json_schema_extra={"default": "{}"},
    )

    @model_validator(mode="after")
    def _makes_something(self) -> Self:
        missing = [f"{key!r}" for key in ("stages", "outputs") if key not in self.model_fields_set]
        alone = any(m.training for m in self.models.values()) or any(
            s.calibrate for s in self.stages.values()
        )
        if missing and not alone:
            keys = f"keys {' and '.join(missing)} are" if len(missing) > 1 else f"key {missing[0]} is"
            raise ValueError(f"the {keys} missing: a definition makes outputs, models or calibrated rules")
        return self


def pipeline_model(verbs: Mapping[str, type[BaseModel]]) -> type[Pipeline]:
    """A whole definition whose stages have these verbs, by name and settings."""
    keys: dict[str, Any] = {
        name: (settings | None, Field(None, description=_first_sentence(settings)))
        for name, settings in verbs.items()
    }
    stage = create_model("Stage", __base__=Stage, __doc__=Stage.__doc__, **keys)
    stages: Any = (dict[Name, stage], Field({}, json_schema_extra=SOME, description="name to stage"))
    return create_model("Pipeline", __base__=Pipeline, __doc__=Pipeline.__doc__, stages=stages)


def _first_sentence(model: type[BaseModel]) -> str:
    """What a model says of itself, as a description of a key."""
    sentence = (model.__doc__ or "").partition("\n")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]
