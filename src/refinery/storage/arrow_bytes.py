"""How many bytes of data each row of an Arrow array holds, whatever buffers and batches it came in."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def row_bytes(array: pa.Array) -> NDArray[np.int64]:
    """Bytes of data of every row, int64, shape (rows,); a value's share never depends on its neighbours."""
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return row_bytes(array.storage)
    if pa.types.is_dictionary(kind):
        return row_bytes(array.dictionary_decode())
    if pa.types.is_struct(kind):
        sizes = np.ones(len(array), np.int64)
        for child in array.flatten():
            sizes += row_bytes(child)
        return sizes
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        return _list_bytes(array)
    if _is_variable(kind):
        return _int64(pc.binary_length(array.cast(_plain(kind)))) + 4
    try:
        width = max(1, kind.bit_width // 8)
    except ValueError:  # null and the rarer types have no width
        width = 1
    return np.full(len(array), width, np.int64)


def batch_bytes(batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Bytes of data of every row over all columns, int64, shape (rows,)."""
    sizes = np.zeros(len(batch), np.int64)
    for column in batch.columns:
        sizes += row_bytes(column)
    return sizes


def cuts(sizes: NDArray[np.int64], limit: int, first: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Runs of rows as (start, stop, bytes), each ended by the row that reaches `limit`; the last by the last row.

    `first` is the limit of the first run. No rows give no run.

    >>> list(cuts(np.array([5, 5, 1, 20, 1]), 10))
    [(0, 2, 10), (2, 4, 21), (4, 5, 1)]
    """
    ends = np.cumsum(sizes)
    start, before, room = 0, 0, limit if first is None else first
    while start < len(sizes):
        stop = min(int(np.searchsorted(ends, before + room)) + 1, len(sizes))
        yield start, stop, int(ends[stop - 1]) - before
        start, before, room = stop, int(ends[stop - 1]), limit


def _list_bytes(array: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_map(array.type):
        values = batch_bytes(pa.RecordBatch.from_arrays([array.keys, array.items], ["key", "value"]))
        places = array.offsets.to_numpy().astype(np.int64)
    else:
        values = row_bytes(array.flatten())
        places = _ends(_int64(pc.list_value_length(array)))
    sizes: NDArray[np.int64] = np.diff(_ends(values)[places]) + 4
    return sizes


def _int64(array: pa.Array) -> NDArray[np.int64]:
    values: NDArray[np.int64] = array.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return values


def _ends(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def _is_variable(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_string_view,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_binary_view,
    )
    return any(test(kind) for test in tests)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    return pa.large_binary() if pa.types.is_binary_view(kind) else kind
