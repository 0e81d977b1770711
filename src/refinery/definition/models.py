"""The pipeline definition as frozen models: what may be written in the YAML, and nothing else.

These models are the single source of the checks, of the JSON Schema (`refinery schema`) and of the canonical
form that fingerprints are made of. They do no work.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    create_model,
    field_validator,
    model_validator,
)

from refinery.definition.guards import Guards
from refinery.definition.licences import SourceLicence
from refinery.definition.outputs import Output
from refinery.definition.protections import Protected
from refinery.definition.source_columns import ColumnEntry, Joins
from refinery.definition.trainings import NamedModel
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
        None, description="encoding of its files, such as `gb18030` (default: UTF-8; XML and HTML say theirs)"
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
    lose: Share = Field(
        0.01,
        gt=0,
        lt=1,
        description="share of text like the trusted that may be lost",
        json_schema_extra={"default": "1%"},
    )


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
