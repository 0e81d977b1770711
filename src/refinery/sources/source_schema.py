"""What a source carries of the columns of a file, as its definition wants them: a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa

from refinery.errors import InputError
from refinery.sources.column_settings import NamedColumn
from refinery.sources.documents import SourceSpec
from refinery.sources.nested import find_field
from refinery.sources.schema import TYPED
from refinery.sources.types import TYPES

RawFields = Callable[[Iterable[str]], pa.Schema]  # of a file, by its own names; of JSON Lines JSON text


def asked_names(spec: SourceSpec) -> frozenset[str] | None:
    """Columns that a source may ask its files for, by their names; None: whatever is there.

    Where a name is dotted, it is there and what it begins with too, for either can be meant.
    """
    if spec.keep is None:
        return None
    names = [*spec.texts, spec.id or "id", *spec.keep, *(column.origin for column in spec.columns)]
    names += [name for join in spec.joins for name in join.on]
    names += [name for name, _ in spec.where.types] if spec.where else []
    return frozenset(part for name in names for part in (name, name.partition(".")[0]))


def carried_schema(raw: pa.Schema, spec: SourceSpec, place: str) -> pa.Schema:
    """What a source carries of the columns that a file has; raises InputError for two of one name."""
    gone = {column.origin for column in spec.columns} | set(spec.drop)
    fields = [f for f in raw if f.name not in gone and (spec.keep is None or f.name in spec.keep)]
    for column in spec.columns:
        if column.name in (field.name for field in fields):
            problem = f"it has a column {column.name!r} besides {column.origin!r}, which is to be called so"
            raise InputError(
                place, problem, f"leave it out, by `columns: {{drop: [{column.name}]}}`, or name it"
            )
        if field := find_field(raw, column.origin):
            fields.append(_field(column, field))
    for field in _joined_fields(spec):
        if field.name in (other.name for other in fields):
            problem = f"it has a column {field.name!r}, as a table that is joined to its source"
            hint = f"leave one out, or name it: `columns: {{own_{field.name}: {{from: {field.name}}}}}`"
            raise InputError(place, problem, hint)
        fields.append(field)
    return pa.schema(fields, metadata=raw.metadata)


def carried_fields(names: Iterable[str], spec: SourceSpec, raw_fields: RawFields) -> pa.Schema:
    """The fields of columns that a source carries, by their names; those that it does not carry are left out."""
    named = {column.name: column for column in spec.columns}
    gone = {column.origin for column in spec.columns} | set(spec.drop)
    joined = {field.name: field for field in _joined_fields(spec)}
    gone |= joined.keys()
    plain = [n for n in names if n not in named and n not in gone and (spec.keep is None or n in spec.keep)]
    columns = [named[name] for name in names if name in named]
    raw = raw_fields([*plain, *(column.origin for column in columns)])
    fields = [raw.field(name) for name in plain if name in raw.names]
    fields += [_field(column, found) for column in columns if (found := find_field(raw, column.origin))]
    fields += [joined[name] for name in names if name in joined]
    return pa.schema(fields, metadata=raw.metadata)


def typed_schema(spec: SourceSpec) -> pa.Schema:
    """The columns to which a source's definition gives a type, which it has whatever is in its files."""
    typed = [column for column in spec.columns if column.type]
    return pa.schema([*(_field(c, pa.field(c.name, pa.string())) for c in typed), *_joined_fields(spec)])


def _joined_fields(spec: SourceSpec) -> list[pa.Field]:
    columns = [column for join in spec.joins for column in join.columns]
    return [_field(column, pa.field(column.name, pa.string())) for column in columns]


def _field(column: NamedColumn, raw: pa.Field) -> pa.Field:
    if column.type is None:
        return raw.with_name(column.name)
    return pa.field(column.name, TYPES[column.type], metadata=TYPED)
