"""Columns that a source's files have beside text and id, kept with the documents as they are read.

What decides on many documents (a verb) can so use a date, a URL or a number of the source without reading it again.
Stored is a column `value`, row-aligned with the documents: of Parquet and WARC in its own type, of JSON Lines as JSON
text, since no line tells the type of a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.measurer import Measurer
from refinery.sources.schema import FROM_JSON
from refinery.sources.types import merge
from refinery.storage.marks import is_json_text, json_text

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

VALUE = "value"


@dataclass(frozen=True)
class Carried(Measurer):
    """A column by its name, dotted for a nested one; a measurer of files instead of texts."""

    column: str
    name: str = "carried"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The column's name."""
        return {"column": self.column}

    @property
    def schema(self) -> pa.Schema:
        """value, of whatever type a file has."""
        return pa.schema([(VALUE, pa.null())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """NULL: texts alone tell nothing of it."""
        return pa.RecordBatch.from_arrays([pa.nulls(len(batch))], schema=self.schema)

    def of(self, columns: pa.RecordBatch, size: int) -> pa.RecordBatch:
        """The column among the columns of `size` documents as they were read, NULL if it is not there."""
        field, values = pa.field(VALUE, pa.null()), pa.nulls(size)
        first, *inner = self.column.split(".")
        for name, path in ((self.column, []), (first, inner)):
            if name not in columns.schema.names:
                continue
            if is_json_text(columns.schema.field(name)):  # of each line in its own way
                values = pc.coalesce(values.cast(pa.large_string()), _json_inside(columns.column(name), path))
                field = json_text(VALUE, "")
            else:
                values = _inside(columns.column(name), path)
                field = pa.field(VALUE, values.type)
                break
        return pa.RecordBatch.from_arrays([values], schema=pa.schema([field]))


def find_field(schema: pa.Schema, name: str) -> pa.Field | None:
    """The field of a column by its name, dotted for a nested one; None if there is none.

    JSON text (storage.marks) where the values of JSON Lines that the name may mean are of several types.
    """
    literal = schema.field(name) if name in schema.names else None
    nested = _nested_field(schema, *name.split("."))
    if literal is None or nested is None or FROM_JSON.keys().isdisjoint(schema.metadata or {}):
        return literal or nested
    texts = is_json_text(literal) or is_json_text(nested)
    kind = None if texts else merge(literal.type, nested.type)
    return json_text(name, "it mixes types") if kind is None else pa.field(name, kind)


def _nested_field(schema: pa.Schema, first: str, *inner: str) -> pa.Field | None:
    if not inner or first not in schema.names:
        return None
    field = schema.field(first)
    for step in inner:
        if is_json_text(field):
            break
        if not pa.types.is_struct(field.type) or field.type.get_field_index(step) < 0:
            return None
        field = field.type.field(step)
    return field


def _inside(values: pa.Array, path: list[str]) -> pa.Array:
    for step in path:
        if not pa.types.is_struct(values.type) or values.type.get_field_index(step) < 0:
            return pa.nulls(len(values))
        values = pc.struct_field(values, step)
    return values


def _json_inside(texts: pa.Array, path: list[str]) -> pa.Array:
    """The values at a path inside of JSON objects, as JSON text again."""
    if not path:
        return texts
    found: list[str | None] = []
    for text in texts.to_pylist():
        value = orjson.loads(text) if text is not None else None
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        found.append(None if value is None else orjson.dumps(value).decode())
    return pa.array(found, pa.large_string())


def from_json(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """JSON texts, all of values of a plain type, as that type; raises pa.ArrowInvalid for others.

    >>> from_json(pa.chunked_array([['"a\\\\n"', None]]), pa.string()).to_pylist()
    ['a\\n', None]
    """
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(texts))])
    texts = pc.if_else(pc.equal(texts, "null"), None, texts)  # NaN, which JSON does not have
    if pa.types.is_boolean(kind):
        return pc.equal(texts, "true")
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return texts.cast(kind)
    return pa.chunked_array([_unquoted(chunk) for chunk in texts.chunks], pa.large_string())


def _unquoted(texts: pa.Array) -> pa.Array:
    inner = pc.utf8_slice_codeunits(texts, 1, -1).cast(pa.large_string())
    escaped = pc.fill_null(pc.match_substring(texts, "\\"), False)
    if not pc.any(escaped).as_py():
        return inner
    plain = pa.array([orjson.loads(text) for text in texts.filter(escaped).to_pylist()], pa.large_string())
    return pc.replace_with_mask(inner, escaped, plain)
