"""Rows in an order that tells the types of all columns at once, for readers that guess them by the first lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HELD_BYTES = 64 * 2**20  # of rows that wait, compressed; more of them wait on disk, in TMPDIR
ValuePath = tuple[str, ...]  # of a column, a field of a struct or the elements of a list


def typed_first(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows, those first that are the first to have a value in a column, or inside of a nested one.

    A reader of JSON Lines takes a column for NULL whose first value comes after the lines by which it guesses types
    (Polars: 100); at most one row for each column, field of a struct and element of a list is moved. What has no
    value in any row has no type. Rows wait until all types are told, those behind them are passed on.

    >>> rows = pa.RecordBatch.from_pylist([{"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 3, "b": {"c": [4.5]}}])
    >>> [row["a"] for batch in typed_first([rows], rows.schema) for row in batch.to_pylist()]
    [1, 3, 2]
    """
    untold, batches = set(_paths(schema)), iter(batches)
    moved: list[pa.RecordBatch] = []
    with SpooledTemporaryFile(HELD_BYTES, prefix="refinery-") as waiting:
        options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        with pa.ipc.new_stream(waiting, schema, options=options) as others:
            for batch in batches:
                found = {path: row for path, row in first_values(batch) if path in untold}
                untold -= found.keys()
                first = np.unique(np.array(list(found.values()), np.int64))
                moved.append(batch.take(pa.array(first)))
                others.write_batch(batch.take(pa.array(np.delete(np.arange(len(batch)), first))))
                if not untold:
                    break
        yield from moved
        waiting.seek(0)
        yield from pa.ipc.open_stream(waiting)
    yield from batches


def _paths(fields: Iterable[pa.Field], above: ValuePath = ()) -> Iterator[ValuePath]:
    """What can have values of their own, as `first_values` has it."""
    for field in fields:
        path, kind = (*above, field.name), field.type
        if not pa.types.is_null(kind):
            yield path
        if pa.types.is_struct(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind):
            yield from _paths([kind.field(number) for number in range(kind.num_fields)], path)


def first_values(batch: pa.RecordBatch) -> Iterator[tuple[ValuePath, int]]:
    """Each column, field of a struct and element of a list that has a value, with the first row that has one."""
    rows = np.arange(len(batch))
    for field, values in zip(batch.schema, batch.columns, strict=True):
        yield from _values(values, rows, (field.name,))


def _values(values: pa.Array, rows: NDArray[np.int64], path: ValuePath) -> Iterator[tuple[ValuePath, int]]:
    """As `first_values`, of values that are in these rows."""
    kind = values.type
    has_value = pc.is_finite(values).fill_null(False) if pa.types.is_floating(kind) else values.is_valid()
    there = np.flatnonzero(has_value.to_numpy(zero_copy_only=False))
    if len(there):
        yield path, int(rows[there[0]])
    if pa.types.is_struct(kind):
        for field, child in zip(kind, values.flatten(), strict=True):
            yield from _values(child, rows, (*path, field.name))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parents = pc.list_parent_indices(values).to_numpy()
        yield from _values(values.flatten(), rows[parents], (*path, kind.value_field.name))
