"""Rows in an order that tells the types of all columns at once, for readers that guess them by the first lines."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def typed_first(table: pa.Table) -> pa.Table:
    """The rows, those first that are the first to have a value in a column, or inside of a nested one.

    A reader of JSON Lines takes a column for NULL whose first value comes after the lines by which it guesses types
    (Polars: 100); at most one row for each column, field of a struct and element of a list is moved. What has no
    value in any row has no type.

    >>> rows = [{"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 3, "b": {"c": [4.5]}}]
    >>> typed_first(pa.Table.from_pylist(rows)).column("a").to_pylist()
    [1, 3, 2]
    """
    first = {row for column in table.columns for row in _telling(_whole(column))}
    moved = np.array(sorted(first), np.int64)
    others = np.delete(np.arange(len(table)), moved)
    return table if (moved == np.arange(len(moved))).all() else table.take(np.concatenate([moved, others]))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _telling(values: pa.Array, rows: NDArray[np.int64] | None = None) -> Iterator[int]:
    """The first rows that tell the type of values; rows: in which row each value is, if it is not its own number."""
    kind = values.type
    rows = np.arange(len(values)) if rows is None else rows
    has_value = pc.is_finite(values).fill_null(False) if pa.types.is_floating(kind) else values.is_valid()
    there = np.flatnonzero(has_value.to_numpy(zero_copy_only=False))
    if len(there):
        yield int(rows[there[0]])
    if pa.types.is_struct(kind):
        for child in values.flatten():
            yield from _telling(child, rows)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parents = pc.list_parent_indices(values).to_numpy()
        yield from _telling(values.flatten(), rows[parents])
