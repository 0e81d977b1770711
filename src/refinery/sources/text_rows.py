"""From decoded columns to accepted rows: text is checked row by row, and cut into runs of bounded bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.sources.document_text import joined_columns
from refinery.sources.documents import Documents, Reject
from refinery.sources.long_values import marked_length
from refinery.storage.arrow_bytes import cuts, row_bytes


def text_rows(
    text: Sequence[pa.Array],
    rows: NDArray[np.int64],
    ids: pa.Array | None,
    columns: pa.RecordBatch,
    max_document_bytes: int,
    batch_bytes: int,
) -> Iterator[Documents]:
    """Checks the text of rows and yields it in runs of about `batch_bytes`.

    text: its columns, each of any type that is textual, or a dictionary of one, without any the text is empty; ids:
    None where they are minted.
    """
    sizes = sum((_decoded_bytes(column) for column in text), np.zeros(len(rows), np.int64))
    minted = np.full(len(rows), ids is None)
    if ids is None:
        ids = pa.nulls(len(rows), pa.string())
    for start, stop, _ in cuts(sizes, batch_bytes):
        run = (
            joined_columns([column.slice(start, stop - start) for column in text])
            if text
            else pa.repeat(pa.scalar("", pa.large_string()), stop - start)
        )
        whole = Documents(rows, pa.nulls(len(rows)), ids, minted, columns).slice(start, stop)
        yield _checked(replace(whole, text=run), max_document_bytes)


def _decoded_bytes(text: pa.Array) -> NDArray[np.int64]:
    """Bytes of every value once decoded, without decoding it; of lists a few more."""
    if not pa.types.is_dictionary(text.type):
        return row_bytes(text) - 4 if not pa.types.is_null(text.type) else np.zeros(len(text), np.int64)
    values = row_bytes(text.dictionary) - 4
    if not len(values):
        return np.zeros(len(text), np.int64)
    indices = text.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(text.indices.is_null().to_numpy(zero_copy_only=False), 0, values[indices])


def _checked(run: Documents, max_document_bytes: int) -> Documents:
    """The run with rows that are missing, too long or not UTF-8 as rejects."""
    sizes = pc.binary_length(run.text).to_numpy(zero_copy_only=False)
    missing = np.asarray(run.text.is_null().to_numpy(zero_copy_only=False), bool)
    oversize = ~missing & (np.nan_to_num(sizes) > max_document_bytes)
    rejects = [Reject(int(row), "null_text") for row in run.rows[missing]]
    rejects += [
        _oversize(row, int(size), max_document_bytes)
        for row, size in zip(run.rows[oversize], sizes[oversize], strict=True)
    ]
    good = run.filter(~(missing | oversize)) if rejects else run
    try:
        good.text.validate(full=True)
    except pa.ArrowInvalid:
        good, invalid = _without_invalid(good, max_document_bytes)
        rejects += invalid
    return replace(good, rejects=tuple(sorted(rejects, key=lambda reject: reject.row)))


def _oversize(row: np.int64, size: int, limit: int) -> Reject:
    return Reject(int(row), "oversize_row", f"{size} bytes of text; the limit is {limit}")


def _without_invalid(run: Documents, max_document_bytes: int) -> tuple[Documents, list[Reject]]:
    good = np.ones(len(run.text), bool)
    rejects = []
    for number, value in enumerate(run.text.cast(pa.large_binary())):
        content = value.as_py()
        try:
            content.decode()
        except UnicodeDecodeError as error:
            good[number] = False
            if (size := marked_length(content)) is not None:
                rejects.append(_oversize(run.rows[number], size, max_document_bytes))
                continue
            detail = f"byte {error.start} of the text: {error.reason}"
            rejects.append(Reject(int(run.rows[number]), "invalid_utf8", detail))
    return run.filter(good), rejects
