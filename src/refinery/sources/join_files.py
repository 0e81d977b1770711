"""Reading a table that is joined to a source, by the readers of sources: its key is their id, and it has no text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from refinery.errors import InputError
from refinery.sources.column_settings import Join
from refinery.sources.digest import part_hashes
from refinery.sources.documents import Description, Shard, SourceSpec
from refinery.sources.find import state
from refinery.sources.joined_table import (
    HASH,
    KEY,
    NULLED,
    combined_keys,
    key_hashes,
    key_name,
    key_shown,
    key_texts,
)
from refinery.sources.nested import find_values
from refinery.sources.read import fields_to_carry, place_of_row, read_documents
from refinery.sources.shards import list_shards
from refinery.sources.types import TYPES
from refinery.storage.place import unreadable
from refinery.storage.url import redact

MOST_BYTES = 2**30  # of a table that is held to be put in order
_PLACES = ("refinery.shard", "refinery.row")


def table_spec(source: str, join: Join) -> SourceSpec:
    """How the table of a join is read."""
    id = join.key[0] if len(join.key) == 1 else None
    return SourceSpec(source, join.path, text=(), id=id, columns=join.columns, keep=())


def content_of(spec: SourceSpec) -> list[str]:
    """What is in the files of a table, whatever they are called; raises InputError for what cannot be read."""
    found = {}
    for shard in list_shards(spec).shards:
        found[shard.path] = shard.identity
        if not shard.covered:  # no time stamp is known that would tell of a change between the blocks
            try:
                (found[shard.path],) = part_hashes(shard.path, state(shard.path).size, 1)
            except OSError as error:
                raise unreadable(shard.path, error) from None
    return sorted(found.values())


def read_joined_table(source: str, join: Join) -> pa.Table:
    """HASH (uint64), KEY (large_string) and the columns of a table that is joined to a source, in their order.

    The schema's metadata count the values that do not fit their type (NULLED).
    Raises InputError when a row cannot be read, when a key has two rows with different values, when no row has a key,
    and for a table of more than MOST_BYTES.
    """
    shards = list_shards(table_spec(source, join)).shards
    nulled = Counter[str]()
    table = pa.Table.from_batches(_batches(source, join, shards, nulled)).combine_chunks()
    if not len(table):
        raise InputError(_name(join), f"no row has a key {key_name(join)}", "see `join.on` of the source")
    # stable: rows of a key stay in order; other keys of the same hash come between them once in 2^64 pairs
    order = np.argsort(table.column(HASH).to_numpy(), kind="stable")
    table = _without_repeats(table.take(pa.array(order)), join, shards)
    return table.replace_schema_metadata({NULLED: orjson.dumps(nulled)})


def _batches(
    source: str, join: Join, shards: tuple[Shard, ...], nulled: Counter[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of all files; adds to `nulled`."""
    spec = table_spec(source, join)
    values = [pa.field(column.name, TYPES[column.type or "string"]) for column in join.columns]
    schema = pa.schema(
        [
            (HASH, pa.uint64()),
            (KEY, pa.large_string()),
            *zip(_PLACES, (pa.int64(),) * 2, strict=True),
            *values,
        ]
    )
    # columns that are read for the key alone
    raw = tuple(key for key in join.key if key not in {"id", spec.id})
    spec = replace(spec, keep=raw)
    size = 0
    yield pa.RecordBatch.from_pylist([], schema=schema)
    for number, shard in enumerate(shards):
        carry = pa.schema([*(fields_to_carry(shard, spec, raw) if raw else ()), *values])
        description = Description()
        for rows in read_documents(shard, spec, carry=carry, describe=description):
            nulled.update(rows.nulled)
            if rows.rejects:
                reject = rows.rejects[0]
                path, row = place_of_row(shard, reject.row, description)
                problem = f"{reject.reason}: {reject.detail}".removesuffix(": ")
                raise InputError(
                    f"{redact(path)}, row {row}", problem, "a table that is joined must be whole"
                )
            if not len(rows.rows):
                continue
            parts = {name: key_texts(*find_values(rows.columns, name, len(rows.rows))) for name in raw}
            keys = combined_keys([parts[key] if key in parts else key_texts(rows.ids) for key in join.key])
            places = [pa.repeat(number, len(keys)), pa.array(rows.rows)]
            found = rows.columns.select([field.name for field in values]).columns
            columns = [pa.array(key_hashes(keys)), keys, *places, *found]
            batch = pa.RecordBatch.from_arrays(columns, schema=schema).filter(keys.is_valid())
            size += batch.nbytes
            if size > MOST_BYTES:
                raise InputError(
                    _name(join),
                    f"the table has more than {MOST_BYTES >> 20} MiB of keys and values",
                    "take fewer of its columns, or only the rows that the source needs",
                )
            yield batch


def _without_repeats(table: pa.Table, join: Join, shards: tuple[Shard, ...]) -> pa.Table:
    """One row of each key; raises InputError if those of a key differ."""
    before, after = table.slice(0, len(table) - 1), table.slice(1)
    again = _equal(before, after, KEY)
    for column in join.columns:
        differing = again & ~_equal(before, after, column.name)
        if differing.any():
            at = int(np.flatnonzero(differing)[0])
            one, other = table.slice(at, 2).to_pylist()
            raise InputError(
                _place(one, shards),
                f"the key {key_shown(one[KEY])!r} has {column.name!r} {one[column.name]!r} here and "
                f"{other[column.name]!r} in {_place(other, shards)}",
                "a key must have one row, or the same values in each",
            )
    first = np.concatenate([[True], ~again])
    return table.filter(pa.array(first)).drop_columns([*_PLACES])


def _equal(before: pa.Table, after: pa.Table, name: str) -> np.ndarray:
    """bool: where the values of a column are the same; NULL is NULL, NaN is NaN."""
    one, other = before.column(name), after.column(name)
    same = pc.fill_null(pc.equal(one, other), False)
    absent = [pc.is_null(column, nan_is_null=True) for column in (one, other)]
    found = pc.or_(same, pc.and_(*absent))
    return np.asarray(found.to_numpy(), bool)


def _place(row: dict[str, int], shards: tuple[Shard, ...]) -> str:
    path, number = place_of_row(shards[row[_PLACES[0]]], row[_PLACES[1]])
    return f"{redact(path)}, row {number}"


def _name(join: Join) -> str:
    return ", ".join(redact(path) for path in join.path)
