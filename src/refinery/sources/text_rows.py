"""From decoded columns to accepted rows: text is checked row by row, and cut into runs of bounded bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.sources.documents import Documents, Reject
from refinery.sources.types import is_bytes
from refinery.storage.arrow_bytes import cuts, row_bytes


def text_rows(
    text: pa.Array,
    rows: NDArray[np.int64],
    ids: pa.Array | None,
    columns: pa.RecordBatch,
    max_document_bytes: int,
    batch_bytes: int,
) -> Iterator[Documents]:
    """Checks a text array (any string, binary or dictionary type) and yields it in runs of about `batch_bytes`.

    ids: None where they are to be minted.
    """
    sizes = _decoded_bytes(text)
    missing = np.asarray(pc.is_null(text).to_numpy(zero_copy_only=False), bool)
    oversize = (sizes > max_document_bytes) & ~missing
    rejects = [Reject(int(row), "null_text") for row in rows[missing]]
    rejects += [
        Reject(int(row), "oversize_row", f"{size} bytes of text; the limit is {max_document_bytes}")
        for row, size in zip(rows[oversize], sizes[oversize], strict=True)
    ]
    minted = np.full(len(rows), ids is None)
    accepted = Documents(
        rows, text, pa.nulls(len(rows), pa.string()) if ids is None else ids, minted, columns
    )
    if rejects:
        good = ~(missing | oversize)
        accepted, sizes = accepted.filter(good), sizes[good]
        yield Documents.rejected(tuple(sorted(rejects, key=lambda reject: reject.row)))
    for start, stop, _ in cuts(sizes, batch_bytes):
        yield _checked(accepted.slice(start, stop))


def _decoded_bytes(text: pa.Array) -> NDArray[np.int64]:
    """Bytes of every value once decoded, without decoding it."""
    if not pa.types.is_dictionary(text.type):
        return row_bytes(text) - 4 if not pa.types.is_null(text.type) else np.zeros(len(text), np.int64)
    values = row_bytes(text.dictionary) - 4
    if not len(values):
        return np.zeros(len(text), np.int64)
    indices = text.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(text.indices.is_null().to_numpy(zero_copy_only=False), 0, values[indices])


def _checked(run: Documents) -> Documents:
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


def _without_invalid(run: Documents, text: pa.Array) -> Documents:
    good = np.ones(len(text), bool)
    rejects = []
    for number, value in enumerate(text.cast(pa.large_binary())):
        try:
            value.as_py().decode()
        except UnicodeDecodeError as error:
            good[number] = False
            detail = f"byte {error.start} of the text: {error.reason}"
            rejects.append(Reject(int(run.rows[number]), "invalid_utf8", detail))
    return replace(replace(run, text=text).filter(good), rejects=tuple(rejects))
