"""What of a definition says which columns the documents of a source have."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator

from refinery.definition.values import Model, OneOrMore, WrittenPaths

ColumnType = Literal["string", "int", "float", "bool", "date", "timestamp"]


class SourceColumn(Model):
    """A column by the name that it is to have."""

    from_: str | None = Field(
        None, alias="from", min_length=1, description="what the files call it, dotted for a nested one"
    )
    type: ColumnType | None = Field(None, description="what its values become (default: as they are)")
    invalid: Literal["reject"] | None = Field(
        None,
        description="what a value that does not fit becomes: `null`, counted, or `reject`: its row is rejected",
    )


def _kind_of_column(value: object) -> str:
    if isinstance(value, str):
        return "type"
    return "names" if isinstance(value, list | tuple) else "column"


ColumnEntry = Annotated[
    Annotated[ColumnType, Tag("type")]
    | Annotated[tuple[str, ...], Tag("names")]
    | Annotated[SourceColumn | None, Tag("column")],
    Discriminator(_kind_of_column),
]


class JoinedColumn(Model):
    """A column of a joined table by the name that it is to have."""

    from_: str | None = Field(None, alias="from", min_length=1, description="what the table calls it")
    type: ColumnType | None = Field(None, description="what its values become (default: as they are)")


def _kind_of_joined(value: object) -> str:
    return "type" if isinstance(value, str) else "column"


JoinedEntry = Annotated[
    Annotated[ColumnType, Tag("type")] | Annotated[JoinedColumn | None, Tag("column")],
    Discriminator(_kind_of_joined),
]


class Join(Model):
    """A table with more columns of the documents of a source."""

    path: WrittenPaths = Field(
        min_length=1, description="CSV, Parquet, JSON Lines or another format; relative to the definition"
    )
    on: str | tuple[str, ...] | dict[str, str] = Field(
        description="the column that documents and table have, or `{OF_DOCUMENTS: OF_TABLE}`, or several; of "
        "documents, `path` is that of the file below the source's root"
    )
    columns: dict[str, JoinedEntry] = Field(
        min_length=1,
        description="what the documents get of it: a name with a type, with `{from: ..., type: ...}`, or with "
        "`null` as it is",
    )
    missing: Literal["reject"] | None = Field(
        None, description="what a document without a row has: `null` in its columns, or it is a `reject`"
    )

    @field_validator("on")
    @classmethod
    def _some_key(cls, on: Any) -> Any:
        if not on or (isinstance(on, tuple) and len(on) > len({*on})):
            raise ValueError(
                "expected the name of a column, {OF_DOCUMENTS: OF_TABLE}, or several columns, each once"
            )
        return on

    @property
    def keys(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The columns of the documents, and those of the table."""
        if isinstance(self.on, dict):
            return tuple(self.on), tuple(self.on.values())
        on = (self.on,) if isinstance(self.on, str) else self.on
        return on, on


Joins = Annotated[tuple[Join, ...], OneOrMore()]
