"""Columns by name, dotted for what lies in another: of a schema, and of rows as they were read."""

from __future__ import annotations

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from refinery.sources.schema import FROM_JSON
from refinery.sources.types import merge
from refinery.storage.marks import is_json_text, json_text


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


def find_values(columns: pa.RecordBatch, name: str, size: int) -> tuple[pa.Array, bool]:
    """The values of a column by its name among columns of `size` rows, NULL if it is not there; if they are JSON.

    A name that is a column and lies in another means, of JSON, in each row what is there.
    """
    found: pa.Array | None = None
    first, *inner = name.split(".")
    for column, path in ((name, []), (first, inner)):
        if column not in columns.schema.names:
            continue
        values = columns.column(column)
        if not is_json_text(columns.schema.field(column)):
            return _inside(values, path), False
        values = _json_inside(values, path)
        found = values if found is None else pc.coalesce(found, values)
    return (pa.nulls(size), False) if found is None else (found, True)


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
