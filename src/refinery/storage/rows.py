"""From decoded columns to accepted rows: text is checked row by row, and cut into runs of bounded bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.storage.shards import Reject
from refinery.storage.sizes import cuts, row_bytes
from refinery.storage.types import is_bytes

NO_COLUMNS = pa.RecordBatch.from_arrays([], schema=pa.schema([]))


@dataclass(frozen=True)
class Rows:
    """A run of accepted rows in order, with the rows rejected among them; `text` is valid UTF-8 without NULL."""

    rows: NDArray[np.int64]
    text: pa.Array
    ids: pa.Array
    columns: pa.RecordBatch
    rejects: Sequence[Reject] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def rejected(cls, rejects: Sequence[Reject]) -> Rows:
        """Rejects alone."""
        nothing = pa.array([], pa.large_string())
        return cls(np.zeros(0, np.int64), nothing, pa.array([], pa.string()), NO_COLUMNS, rejects)


def text_rows(
    text: pa.Array,
    rows: NDArray[np.int64],
    ids: pa.Array,
    columns: pa.RecordBatch,
    max_document_bytes: int,
    batch_bytes: int,
) -> Iterator[Rows]:
    """Checks a text array (any string, binary or dictionary type) and yields it in runs of about `batch_bytes`."""
    sizes = _decoded_bytes(text)
    missing = np.asarray(pc.is_null(text).to_numpy(zero_copy_only=False), bool)
    oversize = (sizes > max_document_bytes) & ~missing
    rejects = [Reject(int(row), "null_text") for row in rows[missing]]
    rejects += [
        Reject(int(row), "oversize_row", f"{size} bytes of text; the limit is {max_document_bytes}")
        for row, size in zip(rows[oversize], sizes[oversize], strict=True)
    ]
    good = ~(missing | oversize)
    if not good.all():
        chosen = pa.array(np.flatnonzero(good))
        text, ids, rows, sizes = text.take(chosen), ids.take(chosen), rows[good], sizes[good]
        columns = columns.take(chosen) if columns.num_columns else columns
    if rejects:
        yield Rows.rejected(sorted(rejects, key=lambda reject: reject.row))
    for start, stop, _ in cuts(sizes, batch_bytes):
        part = slice(start, stop)
        run = Rows(
            rows[part],
            text.slice(start, stop - start),
            ids.slice(start, stop - start),
            columns.slice(start, stop - start) if columns.num_columns else columns,
        )
        yield _checked(run)


def _decoded_bytes(text: pa.Array) -> NDArray[np.int64]:
    """Bytes of every value once decoded, without decoding it."""
    if not pa.types.is_dictionary(text.type):
        return row_bytes(text) - 4 if not pa.types.is_null(text.type) else np.zeros(len(text), np.int64)
    values = row_bytes(text.dictionary) - 4
    if not len(values):
        return np.zeros(len(text), np.int64)
    indices = text.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(text.indices.is_null().to_numpy(zero_copy_only=False), 0, values[indices])


def _checked(run: Rows) -> Rows:
    """The run's text as large_string; rows that are not UTF-8 become rejects."""
    text = run.text
    if pa.types.is_dictionary(text.type):
        text = text.dictionary_decode()
    if is_bytes(text.type) or pa.types.is_binary_view(text.type):
        raw = text.cast(pa.large_binary())
        text = pa.Array.from_buffers(pa.large_string(), len(raw), raw.buffers(), raw.null_count, raw.offset)
    else:
        text = text.cast(pa.large_string())
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return _without_invalid(run, text)
    return replace(run, text=text)


def _without_invalid(run: Rows, text: pa.Array) -> Rows:
    good = np.ones(len(text), bool)
    rejects = []
    for number, value in enumerate(text.cast(pa.large_binary())):
        try:
            value.as_py().decode()
        except UnicodeDecodeError as error:
            good[number] = False
            detail = f"byte {error.start} of the text: {error.reason}"
            rejects.append(Reject(int(run.rows[number]), "invalid_utf8", detail))
    chosen = pa.array(np.flatnonzero(good))
    columns = run.columns.take(chosen) if run.columns.num_columns else run.columns
    return Rows(run.rows[good], text.take(chosen), run.ids.take(chosen), columns, [*run.rejects, *rejects])
