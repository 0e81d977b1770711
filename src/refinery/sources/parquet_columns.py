"""Where text, id and carried columns lie in a Parquet file, by its schema."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from refinery.errors import InputError
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.types import is_bytes, is_text, plain
from refinery.storage.marks import JSON_TEXT, is_json_text
from refinery.storage.url import redact


@dataclass(frozen=True)
class ParquetColumns:
    """Where text, id and carried columns lie: text and id as paths of names from the top of the schema."""

    text: tuple[str, ...]
    id: tuple[str, ...] | None
    carried: pa.Schema

    def to_read(self, carry: pa.Schema | None) -> list[str]:
        """What to ask a Parquet reader for; a prefix stands for all below it."""
        wanted = [".".join(self.text)]
        if self.id is not None:
            wanted.append(".".join(self.id))
        for field in self.carried:
            if carry is not None and field.name in carry.names:
                below = field.name in {self.text[0], self.id[0] if self.id else ""}
                wanted += [f"{field.name}.{c.name}" for c in field.type] if below else [field.name]
        return wanted


def locate(schema: pa.Schema, spec: SourceSpec, shard: Shard) -> ParquetColumns:
    """Finds the columns that a source names; raises InputError that lists what there is."""
    place = redact(shard.path)
    names = schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(place, f"two columns are called {twice[0]!r}")
    text = _path(schema, spec.text)
    if text is None:
        raise InputError(
            place, f"no text column {spec.text!r}", f"there is {', '.join(names[:30])}; name one of them"
        )
    kind = plain(_type_at(schema, text))
    if is_bytes(kind) and not spec.binary_text:
        raise InputError(
            place,
            f"column {spec.text!r} is {kind}, expected string",
            "set `binary_text: true` if it is UTF-8",
        )
    if not is_text(kind) and not is_bytes(kind) and not pa.types.is_null(kind):
        raise InputError(place, f"column {spec.text!r} is {kind}, expected string")
    ids = _path(schema, spec.id or "id")
    if ids is None and spec.id is not None:
        raise InputError(place, f"no id column {spec.id!r}", f"there is {', '.join(names[:30])}; set `id`")
    taken = [path for path in (text, ids) if path is not None]
    fields = [_without(field, taken) for field in schema if field.name not in shard.made]
    return ParquetColumns(text, ids, pa.schema([field for field in fields if field is not None]))


def _path(schema: pa.Schema, name: str) -> tuple[str, ...] | None:
    """A column's path: a top-level column of that very name, else the name taken as dotted."""
    if name in schema.names:
        return (name,)
    first, *rest = name.split(".")
    if first not in schema.names:
        return None
    kind = schema.field(first).type
    for step in rest:
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        kind = kind.field(step).type
    return (first, *rest)


def _type_at(schema: pa.Schema, path: tuple[str, ...]) -> pa.DataType:
    kind = schema.field(path[0]).type
    for step in path[1:]:
        kind = kind.field(step).type
    return kind


def _without(field: pa.Field, taken: list[tuple[str, ...]]) -> pa.Field | None:
    """The field without what is text or id: nothing, or a struct with fewer fields."""
    if (field.name,) in taken:
        return None
    below = [path[1:] for path in taken if path[0] == field.name]
    if not below:
        why = {JSON_TEXT: field.metadata[JSON_TEXT]} if is_json_text(field) else None
        return pa.field(field.name, plain(field.type), metadata=why)
    children = [kept for child in field.type if (kept := _without(child, below)) is not None]
    return pa.field(field.name, pa.struct(children)) if children else None
