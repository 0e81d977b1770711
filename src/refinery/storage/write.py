"""Writing Parquet and JSONL.zst: atomic, the same bytes for the same rows, row groups cut by bytes of data."""

from __future__ import annotations

import base64
import datetime
import decimal
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Literal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from refinery.storage.arrow_bytes import batch_bytes, cuts
from refinery.storage.commit import OutputFile, commit_file
from refinery.storage.marks import MADE, is_json_text
from refinery.storage.place import Place
from refinery.storage.sealed import SealedFile
from refinery.storage.typed_first import typed_first

ROW_GROUP_BYTES = 32 * 2**20
ROW_GROUP_ROWS = 2**20
_ZSTD_LEVEL = 3
_STEP = 2**20
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class WrittenFile:
    """A committed file: its name, rows, size in bytes, SHA-256 of its content in hex."""

    path: str
    rows: int
    bytes: int
    sha256: str


class TableWriter:
    """Writes one Parquet file, zstd, that appears when the `with` block ends without an error.

    Rows are gathered until a row group holds `row_group_bytes` of data, so row groups depend on the rows alone,
    not on the batches they came in. `made` names the columns that are not carried on when the file is read as
    a source; `scratch` as in `commit_file`. After the block `written` says what was written. Raises OutputError when
    the place cannot be written.
    """

    written: WrittenFile

    def __init__(
        self,
        path: Place,
        schema: pa.Schema,
        *,
        row_group_bytes: int = ROW_GROUP_BYTES,
        made: Sequence[str] = (),
        scratch: bool = False,
    ) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._row_group_bytes = row_group_bytes
        self._made = tuple(made)
        self._scratch = scratch
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._stack = ExitStack()

    def __enter__(self) -> TableWriter:
        self._file: OutputFile = self._stack.enter_context(commit_file(self.path, scratch=self._scratch))
        schema = self.schema
        if self._made:
            schema = schema.with_metadata({**(schema.metadata or {}), MADE: orjson.dumps(self._made)})
        self._sealed = SealedFile(self._file)
        self._writer = pq.ParquetWriter(
            self._sealed,
            schema,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            write_page_checksum=True,
            # a dictionary of long texts only costs time
            use_dictionary=[f.name for f in schema if not pa.types.is_large_string(f.type)] or False,
        )
        return self

    def write(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Adds rows of the writer's schema."""
        for batch in rows.to_batches() if isinstance(rows, pa.Table) else [rows]:
            sizes = np.maximum(batch_bytes(batch), self._row_group_bytes // ROW_GROUP_ROWS)
            room = self._row_group_bytes - self._waiting_bytes
            for start, stop, size in cuts(sizes, self._row_group_bytes, room):
                self._waiting.append(batch.slice(start, stop - start))
                self._waiting_bytes += size
                if self._waiting_bytes >= self._row_group_bytes:
                    self._flush()

    def _flush(self) -> None:
        rows = sum(len(batch) for batch in self._waiting)
        if rows:
            # one chunk: page ends would otherwise follow the chunks
            table = pa.Table.from_batches(self._waiting).cast(self.schema).combine_chunks()
            self._writer.write_table(table, row_group_size=rows)
            self.rows += rows
        self._waiting, self._waiting_bytes = [], 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is not None:
                self._stack.__exit__(kind, error, trace)
                return
            with self._stack:
                self._flush()
                self._sealed.begin_footer()
                self._writer.close()
                self._sealed.finish()
        finally:
            self._writer.is_open = False  # else a given-up one writes to a closed file when it is collected
        self.written = WrittenFile(self.path.name, self.rows, self._file.size, self._file.sha256)


def write_table(
    path: Place,
    rows: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    *,
    format: Literal["parquet", "jsonl"] = "parquet",
    made: Sequence[str] = (),
    row_group_bytes: int = ROW_GROUP_BYTES,
) -> WrittenFile:
    """Writes batches as one file, Parquet or JSONL.zst, and says what was written; `made` as in TableWriter."""
    if format == "jsonl":
        return write_jsonl(path, rows, schema)
    writer = TableWriter(path, schema, row_group_bytes=row_group_bytes, made=made)
    with writer:
        for batch in rows:
            writer.write(batch)
    return writer.written


def write_jsonl(path: Place, rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> WrittenFile:
    """Writes batches as JSON Lines in one zstd frame with a checksum, the rows as `typed_first` orders them."""
    waiting, written = bytearray(), 0
    with commit_file(path) as file:
        compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
        for batch in typed_first((batch.cast(schema) for batch in rows), schema):
            written += len(batch)
            for start in range(0, len(batch), _BATCH_ROWS):
                waiting += json_lines(batch.slice(start, _BATCH_ROWS))
            while len(waiting) >= _STEP:  # steps of one size: zstd's output may follow how it is fed
                file.write(compressor.compress(bytes(waiting[:_STEP])))
                del waiting[:_STEP]
        file.write(compressor.compress(bytes(waiting)) + compressor.flush())
    return WrittenFile(path.name, written, file.size, file.sha256)


def json_lines(batch: pa.RecordBatch) -> bytes:
    """The rows as JSON Lines.

    Columns of JSON text (`marks.is_json_text`) are put in as the JSON they hold; bytes become base64, times
    ISO 8601, decimals their digits as a string.
    """
    columns = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        values = column.to_pylist()
        if is_json_text(field):
            values = [None if value is None else orjson.Fragment(value) for value in values]
        columns.append(values)
    names = batch.schema.names
    return b"".join(
        orjson.dumps(
            dict(zip(names, row, strict=True)),
            default=_json_value,
            option=orjson.OPT_NON_STR_KEYS | orjson.OPT_APPEND_NEWLINE,
        )
        for row in zip(*columns, strict=True)
    )


def _json_value(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (decimal.Decimal, datetime.timedelta)):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON form")
