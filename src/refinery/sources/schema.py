"""The schema of the columns that are carried through: per shard, and unified by name over all shards.

JSON has no schema, so every line of a JSONL shard is looked at (`JsonColumns`); a prefix would miss late keys.
What no Arrow column can hold (strings beside objects, numbers beyond 64 bits, hundreds of levels) is carried as JSON
text, in a string column whose field says so in its metadata. Other columns that cannot be unified are an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from refinery.errors import InputError
from refinery.sources.types import fields_in, levels, merge, plain
from refinery.storage.marks import JSON_TEXT, is_json_text, json_text

FROM_JSON = {b"refinery.from_json": b"1"}  # schema metadata: a mixture of types is no error here
# field metadata of JSON that was looked at: integers that a double cannot hold
WIDE = {b"refinery.wide": b"1"}
# field metadata of a column to which its source gives a type, so that no mixture makes JSON of it
TYPED = {b"refinery.typed": b"1"}
MAX_FIELDS = 512  # an object with more keys is used as a map, and no table should get a column for each
MAX_LEVELS = 32  # Arrow's own reader refuses a schema that is nested some hundred deep
_EXACT_IN_DOUBLE = 2**53


def unify(schemas: Sequence[tuple[str, pa.Schema]]) -> pa.Schema:
    """One schema by column name over (file, its schema) pairs, columns in order of first appearance.

    NULL first and a value later, late keys, `list<null>`, int beside float, structs with other fields unify;
    columns scanned from JSON that do not become JSON text. Raises InputError with file, column and both types.
    """
    merged: dict[str, _Column] = {}
    for place, schema in schemas:
        from_json = FROM_JSON.keys() <= (schema.metadata or {}).keys()
        for field in schema:
            column = _Column.of(field, place, from_json)
            before = merged.get(field.name)
            merged[field.name] = column if before is None else before.merged(column)
    return pa.schema([column.field() for column in merged.values()])


def notes(schema: pa.Schema) -> tuple[str, ...]:
    """What a user should be told about a unified schema: each column that is carried as JSON text, and why."""
    return tuple(
        f"column {field.name!r} is carried as JSON text: {field.metadata[JSON_TEXT].decode()}"
        for field in schema
        if is_json_text(field)
    )


@dataclass(frozen=True)
class _Column:
    name: str
    type: pa.DataType
    place: str  # the file whose type it is, for the error
    from_json: bool
    wide: bool
    mixed: str  # why it has to be JSON text, or ""

    @classmethod
    def of(cls, field: pa.Field, place: str, from_json: bool) -> _Column:
        metadata = field.metadata or {}
        mixed = metadata.get(JSON_TEXT, b"").decode()
        from_json = from_json and not TYPED.keys() <= metadata.keys()
        return cls(field.name, plain(field.type), place, from_json, WIDE.keys() <= metadata.keys(), mixed)

    def merged(self, other: _Column) -> _Column:
        """A column for the values of both."""
        kind = merge(self.type, other.type)
        wide = self.wide or other.wide
        mixed = self.mixed or other.mixed
        if not mixed and (kind is None or (wide and pa.types.is_floating(kind))):
            mixed = f"it mixes {_short(self.type)} and {_short(other.type)}"
        if not mixed:
            place = self.place if kind == self.type else other.place
            return _Column(self.name, kind, place, self.from_json and other.from_json, wide, "")
        as_json = [c.from_json or bool(c.mixed) or pa.types.is_null(c.type) for c in (self, other)]
        if not all(as_json):
            raise self._clash(other)
        return _Column(self.name, pa.large_string(), self.place, True, wide, mixed)

    def field(self) -> pa.Field:
        """The column as a field of the unified schema."""
        fields, empty = fields_in(self.type)
        if self.mixed:
            return json_text(self.name, self.mixed)
        if self.from_json and empty:
            return json_text(self.name, "it holds objects without keys")
        if self.from_json and fields > MAX_FIELDS:
            return json_text(self.name, f"its objects have more than {MAX_FIELDS} different keys")
        return pa.field(self.name, self.type)

    def _clash(self, other: _Column) -> InputError:
        problem = f"column {self.name!r} is {other.type} here but {self.type} in {self.place}"
        kind = "timestamp" if all(map(pa.types.is_temporal, (self.type, other.type))) else "string"
        hint = f"cast it in its source, by `columns: {{{self.name}: {kind}}}`, or leave it out: `{self.name}: null`"
        return InputError(other.place, problem, hint)


def _short(kind: pa.DataType) -> str:
    """A type's name without its fields, as JSON calls it."""
    if pa.types.is_struct(kind):
        return "objects"
    if pa.types.is_list(kind):
        return "lists"
    names = {
        pa.int64(): "integers",
        pa.float64(): "numbers",
        pa.bool_(): "booleans",
        pa.large_string(): "strings",
    }
    return names.get(kind, {pa.string(): "strings"}.get(kind, str(kind)))


class JsonColumns:
    """The types of JSON objects' values by key, gathered over any number of batches."""

    def __init__(self) -> None:
        self._seen: dict[str, _Column] = {}

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Looks at every value of every row."""
        for name in dict.fromkeys(key for row in rows for key in row):
            column = _inferred(name, [row.get(name) for row in rows])
            before = self._seen.get(name)
            self._seen[name] = column if before is None else before.merged(column)

    def schema(self) -> pa.Schema:
        """What `unify` takes: mixtures are marked, wide integers too."""
        fields = []
        for name, column in self._seen.items():
            field = json_text(name, column.mixed) if column.mixed else pa.field(name, column.type)
            metadata = {**(field.metadata or {}), **(WIDE if column.wide else {})}
            fields.append(field.with_metadata(metadata or None))
        return pa.schema(fields, metadata=FROM_JSON)


def _inferred(name: str, values: list[Any]) -> _Column:
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        # json_line gives a number beyond 64 bits as a fragment
        beyond = isinstance(error, OverflowError) or "type orjson.Fragment:" in str(error)
        return _as_text(name, "it holds numbers beyond 64 bits" if beyond else "it mixes types")
    if levels(array.type) > MAX_LEVELS:
        return _as_text(name, f"it is nested more than {MAX_LEVELS} deep")
    return _Column(name, array.type, "", True, _has_wide(array), "")


def _as_text(name: str, why: str) -> _Column:
    return _Column(name, pa.large_string(), "", True, False, why)


def _has_wide(array: pa.Array) -> bool:
    if pa.types.is_integer(array.type):
        ends = pc.min_max(array).as_py()
        return ends["min"] is not None and (ends["min"] < -_EXACT_IN_DOUBLE or ends["max"] > _EXACT_IN_DOUBLE)
    if pa.types.is_struct(array.type):
        return any(_has_wide(child) for child in array.flatten())
    return pa.types.is_list(array.type) and _has_wide(array.flatten())


def json_column(values: Iterable[Any], field: pa.Field) -> pa.Array:
    """JSON values as an array of a unified field; raises pa.ArrowInvalid when they do not fit."""
    if is_json_text(field):
        texts = [None if value is None else orjson.dumps(value).decode() for value in values]
        return pa.array(texts, pa.large_string())
    return pa.array(values, field.type)
