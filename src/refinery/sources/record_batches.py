"""From record batches to documents, whatever the format: text, ids and carried columns of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.sources.decoding import decoded
from refinery.sources.document_text import texts_of
from refinery.sources.documents import NO_COLUMNS, Documents, Shard, SourceSpec
from refinery.sources.parquet_columns import ParquetColumns, column_at
from refinery.sources.text_rows import text_rows
from refinery.sources.types import storage


@dataclass(frozen=True)
class BatchRows:
    """How the record batches of a shard become documents: where its columns lie and which are asked for."""

    columns: ParquetColumns
    shard: Shard
    spec: SourceSpec
    carry: pa.Schema | None
    batch_bytes: int

    def documents(self, batch: pa.RecordBatch, rows: NDArray[np.int64]) -> Iterator[Documents]:
        """The rows of a batch, with their numbers; raises InputError when columns do not fit `carry`."""
        text = [_nested_decoded(column_at(batch, path)) for path in self.columns.text]
        path = self.columns.id
        ids = None if path is None else decoded(column_at(batch, path))
        columns = self._carried(batch)
        yield from text_rows(text, rows, ids, columns, self.spec.max_document_bytes, self.batch_bytes)

    def _carried(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.carry is None:
            return NO_COLUMNS
        arrays = []
        texts = dict(zip(self.spec.texts, self.columns.text, strict=True))
        for field in self.carry:
            if field.name in texts:
                text = _nested_decoded(column_at(batch, texts[field.name]))
                arrays.append(texts_of(text).cast(field.type))
                continue
            if field.name not in self.columns.carried.names:
                arrays.append(pa.nulls(len(batch), field.type))
                continue
            column = batch.column(field.name)
            try:
                own = self.columns.carried.field(field.name).type
                arrays.append(decoded(column).cast(own).cast(field.type))
            except pa.ArrowInvalid as error:
                problem = f"column {field.name!r}: {column.type} does not fit {field.type}: {error}"
                raise InputError(self.shard.name, problem[:400]) from None
        return pa.RecordBatch.from_arrays(arrays, schema=self.carry)


def _nested_decoded(array: pa.Array) -> pa.Array:
    """Without encodings below the top, where a text can be a surprise of its size; as it is stored."""
    if storage(array.type) != array.type:
        return _nested_decoded(array.cast(storage(array.type)))
    return array if pa.types.is_dictionary(array.type) else decoded(array)
