"""Where text, id and carried columns lie in record batches, by the schema of their file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refinery.errors import InputError
from refinery.sources.document_text import EXPECTED, is_textual
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.types import is_bytes, is_list, plain
from refinery.storage.marks import JSON_TEXT, is_json_text
from refinery.storage.url import redact

Path = tuple[str, ...]  # names from the top of the schema


@dataclass(frozen=True)
class ParquetColumns:
    """Where text, id and carried columns lie: text and id as paths.

    read: those of text and id, each up to the first list on its way, below which no part can be asked for.
    """

    text: tuple[Path, ...]
    id: Path | None
    carried: pa.Schema
    read: tuple[Path, ...]

    def to_read(self, carry: pa.Schema | None) -> list[str]:
        """What to ask a Parquet reader for; a prefix stands for all below it."""
        wanted = [".".join(path) for path in self.read]
        apart = {path[0] for path in self.read if len(path) > 1}
        asked = frozenset(carry.names if carry is not None else ())
        for field in self.carried:
            if field.name in asked:
                wanted += (
                    [f"{field.name}.{c.name}" for c in field.type] if field.name in apart else [field.name]
                )
        return list(dict.fromkeys(wanted))


def locate(schema: pa.Schema, spec: SourceSpec, shard: Shard) -> ParquetColumns:
    """Finds the columns that a source names; raises InputError that lists what there is."""
    place = redact(shard.path)
    names = schema.names
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise InputError(place, f"two columns are called {twice[0]!r}")
    text = tuple(_text_path(schema, name, spec, place) for name in spec.texts)
    ids = _path(schema, spec.id or "id")
    if ids is None and spec.id is not None:
        raise InputError(place, f"no id column {spec.id!r}", f"there is {', '.join(names[:30])}; set `id`")
    taken = [path for path in (*text, ids) if path is not None]
    fields = [_without(field, taken) for field in schema if field.name not in shard.made]
    carried = pa.schema([field for field in fields if field is not None])
    return ParquetColumns(text, ids, carried, tuple(_up_to_list(schema, path) for path in taken))


def column_at(batch: pa.RecordBatch, path: Path) -> pa.Array:
    """The column that lies at a path; below a list the lists of what its elements have."""
    array = batch.column(path[0])
    for step in path[1:]:
        array = _inside(array, step)
    return array


def _inside(array: pa.Array, step: str) -> pa.Array:
    if not is_list(array.type):
        return pc.struct_field(array, step)
    lists = array.cast(pa.large_list(array.type.value_type))
    lengths = pc.list_value_length(lists).fill_null(0).to_numpy()
    offsets = pa.array(np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))
    return pa.LargeListArray.from_arrays(offsets, _inside(lists.flatten(), step), mask=lists.is_null())


def _text_path(schema: pa.Schema, name: str, spec: SourceSpec, place: str) -> Path:
    """Where a column of the text lies; raises InputError when it is not there or holds no text."""
    path = _path(schema, name)
    if path is None:
        hint = f"there is {', '.join(schema.names[:30])}; name one of them"
        raise InputError(place, f"no text column {name!r}", hint)
    kind = plain(_type_at(schema, path))
    if is_bytes(kind) and not spec.binary_text:
        hint = "set `binary_text: true` if it is UTF-8"
        raise InputError(place, f"column {name!r} is {kind}, expected string", hint)
    if not is_textual(kind):
        raise InputError(place, f"column {name!r} is {kind}, {EXPECTED}")
    return path


def _path(schema: pa.Schema, name: str) -> Path | None:
    """A column's path: a top-level column of that very name, else the name taken as dotted."""
    if name in schema.names:
        return (name,)
    first, *rest = name.split(".")
    if first not in schema.names:
        return None
    kind = schema.field(first).type
    for step in rest:
        kind = _element(kind)
        if not pa.types.is_struct(kind) or kind.get_field_index(step) < 0:
            return None
        kind = kind.field(step).type
    return (first, *rest)


def _type_at(schema: pa.Schema, path: Path) -> pa.DataType:
    kind = schema.field(path[0]).type
    lists = 0
    for step in path[1:]:
        lists += is_list(kind)
        kind = _element(kind).field(step).type
    return pa.list_(kind) if lists else kind


def _up_to_list(schema: pa.Schema, path: Path) -> Path:
    kind = schema.field(path[0]).type
    for number, step in enumerate(path[1:], start=1):
        if is_list(kind):
            return path[:number]
        kind = kind.field(step).type
    return path


def _element(kind: pa.DataType) -> pa.DataType:
    return _element(kind.value_type) if is_list(kind) else kind


def _without(field: pa.Field, taken: list[Path]) -> pa.Field | None:
    """The field without what is text or id: nothing, or a struct with fewer fields."""
    if (field.name,) in taken:
        return None
    below = [path[1:] for path in taken if path[0] == field.name]
    if not below:
        why = {JSON_TEXT: field.metadata[JSON_TEXT]} if is_json_text(field) else None
        return pa.field(field.name, plain(field.type), metadata=why)
    if is_list(field.type):
        element = _without(field.type.value_field.with_name(field.name), taken)
        return None if element is None else pa.field(field.name, pa.list_(element.type))
    children = [kept for child in field.type if (kept := _without(child, below)) is not None]
    return pa.field(field.name, pa.struct(children)) if children else None
