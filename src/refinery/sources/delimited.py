"""Reading CSV and TSV: pyarrow parses runs of whole records, cut here so that a record may be of any length.

The first record names the columns, all of them text: what a column holds beyond the first rows is another guess. A
field that is empty is NULL unless it is quoted; quoted fields may hold newlines. A row is a record below the header.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.documents import (
    Documents,
    FilePlan,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.encoding import as_utf8, wrong_encoding
from refinery.sources.identity import HEAD, file_head
from refinery.sources.parquet_columns import locate
from refinery.sources.record_batches import BatchRows
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import redact

_BOM = b"\xef\xbb\xbf"
_DELIMITERS = ",\t;|"
_RUN_BYTES = 4 * 2**20  # of records that are parsed together
_NAMES_BYTES = 2**20  # of a record beside its text
_HEADER_BYTES = 2**22  # of the longest line of names: some 500,000 columns


@dataclass(frozen=True)
class _Header:
    """The first record: what separates fields, the names of the columns, its bytes in the file."""

    delimiter: str
    names: tuple[str, ...]
    size: int

    def schema(self) -> pa.Schema:
        return pa.schema([(name, pa.string()) for name in self.names])


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """One shard; raises InputError when the header names no text."""
    header = _header(
        lambda size: head() if size <= HEAD and spec.encoding is None else _begin(whole, spec, size),
        spec,
        whole,
    )
    carried = locate(header.schema(), spec, whole).carried
    return FilePlan.uncut(whole, carried)


def carried_schema(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The columns beside text and id, as the header names them; raises InputError."""
    header = _header(lambda size: _begin(shard, spec, size), spec, shard)
    return locate(header.schema(), spec, shard).carried


def read(shard: Shard, request: Request) -> Iterator[Documents]:
    """The shard's rows in order; records that have too few or too many fields become rejects.

    Raises InputError when the file cannot be read, or when columns do not fit `carry`.
    """
    spec, carry, wanted, batch_bytes, description = request
    row = 0
    try:
        with closing(open_input(shard.path)) as file:
            digest = description.digest if description else None
            blocks = as_utf8(compression.blocks(digest.of_reads(file) if digest else file), spec.encoding)
            header, blocks = _after_header(blocks, spec, shard)
            columns = locate(header.schema(), spec, shard)
            rows = BatchRows(columns, shard, spec, carry, batch_bytes)
            if description is not None:
                description.carried = columns.carried
            to_read = frozenset(columns.to_read(carry))
            asked = [name for name in header.names if name in to_read]
            for run in _runs(blocks, header.delimiter, 2 * spec.max_document_bytes + _NAMES_BYTES):
                batch, numbers, rejects = _parsed(run, header, asked, row)
                row += len(numbers) + len(rejects)
                good, invalid = _valid(batch, numbers)
                chosen = good if wanted is None else good & np.isin(numbers, wanted)
                if found := [one for one in rejects + invalid if wanted is None or one.row in wanted]:
                    yield Documents.rejected(tuple(sorted(found, key=lambda one: one.row)))
                yield from rows.documents(batch.filter(pa.array(chosen)), numbers[chosen])
                if wanted is not None and (not len(wanted) or row > wanted[-1]):
                    break
    except (compression.DamagedError, _UnfinishedError) as error:
        detail = f"{error}; what can be read ends before row {row}"
        yield Documents.rejected((Reject(row, "truncated_file", detail),))
        row += 1
    except OSError as error:
        raise unreadable(shard.path, error) from None
    if description is not None:
        description.rows = row


class _UnfinishedError(Exception):
    """The content ends inside of a quoted field, or a record does not end in reach."""


@cache
def _record(delimiter: str) -> str:
    """A pattern of a whole record with its line end."""
    other = rf"[^{re.escape(delimiter)}\r\n]*+"
    field = rf'(?:"[^"]*+(?:""[^"]*+)*+"{other}|(?!"){other})'
    return rf"(?:{field}{re.escape(delimiter)})*+{field}(?:\r\n|\n|\r(?!\Z))"


def _begin(shard: Shard, spec: SourceSpec, size: int) -> bytes:
    """The first bytes of the content as UTF-8; raises InputError when they cannot be read."""
    try:
        if size <= HEAD and spec.encoding is None:
            return compression.head(shard.path, file_head(shard.path, size), size)
        content = b""
        # damage is told by what reads it
        with closing(open_input(shard.path)) as file, suppress(compression.DamagedError):
            blocks = as_utf8(compression.blocks(file), spec.encoding)
            while len(content) < size and (block := next(blocks, b"")):
                content += block
    except OSError as error:
        raise unreadable(shard.path, error) from None
    return content[:size]


def _header(head: Callable[[int], bytes], spec: SourceSpec, shard: Shard) -> _Header:
    """Of the ways to separate the first record's fields, that which finds the text, else the most fields.

    head: the first bytes of the content, so many of them at most.
    """
    for size in (HEAD, _HEADER_BYTES):
        content = head(size)
        if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise InputError(redact(shard.path), "the file is UTF-16", "set `encoding: utf-16` of its source")
        if problem := wrong_encoding(content):
            raise InputError(redact(shard.path), problem)
        is_cut = len(content) >= size
        found = [_named(content, delimiter, is_cut) for delimiter in _DELIMITERS]
        texts = {part for name in spec.texts for part in (name, name.partition(".")[0])}
        best = max(found, key=lambda one: (bool(texts & set(one.names)), len(one.names)))
        if any(best.names) or not is_cut:
            break
    if not any(best.names):
        line = f"no first line of at most {_HEADER_BYTES >> 20} MiB" if is_cut else "no first line"
        raise InputError(redact(shard.path), f"{line} names the columns", "write one")
    if len(best.names) == 1 and re.search(r"\.(tsv|tab)\b", shard.path, re.IGNORECASE):
        best = _Header("\t", best.names, best.size)
    return best


def _named(head: bytes, delimiter: str, is_cut: bool) -> _Header:
    """The header if fields are separated so; is_cut: the content goes on after the head."""
    start = len(head) - len(head.removeprefix(_BOM).lstrip(b"\r\n"))
    ended = head if is_cut else head + b"\n\n"
    found = re.compile(_record(delimiter).encode()).match(ended, start)
    record = found[0].decode("utf-8", "replace") if found else ""
    try:
        names = next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
    except csv.Error:
        names = []
    return _Header(delimiter, tuple(names), found.end() if found else len(ended))


def _after_header(blocks: Iterator[bytes], spec: SourceSpec, shard: Shard) -> tuple[_Header, Iterator[bytes]]:
    """The header and the content that follows it."""
    held = b""

    def head(size: int) -> bytes:
        nonlocal held
        while len(held) < size and (block := next(blocks, b"")):
            held += block
        return held[:size]

    header = _header(head, spec, shard)
    return header, chain([held[header.size :]], blocks)


def _runs(blocks: Iterable[bytes], delimiter: str, limit: int) -> Iterator[bytes]:
    """Runs of whole records; raises _UnfinishedError when one has more than `limit` bytes or is cut off."""
    records = re.compile(rf"(?:{_record(delimiter)})*+".encode())
    held, size, enough = [], 0, _RUN_BYTES
    for block in blocks:
        held.append(block)
        size += len(block)
        if size < enough:
            continue
        content = b"".join(held)
        end = records.match(content).end()  # type: ignore[union-attr]
        if end:
            yield content[:end]
        elif size > limit:
            raise _UnfinishedError(f"a record has more than {limit} bytes, or a quote is never closed")
        held, size = [content[end:]], size - end
        enough = max(_RUN_BYTES, 2 * size)  # so that what is left is not looked at again and again
    content = b"".join(held) + b"\n\n"
    end = records.match(content).end()  # type: ignore[union-attr]
    if content[:end].strip(b"\r\n"):
        yield content[:end]
    if content[end:].strip(b"\r\n"):
        raise _UnfinishedError("a quote is never closed")


def _parsed(
    run: bytes, header: _Header, asked: Sequence[str], row: int
) -> tuple[pa.RecordBatch, NDArray[np.int64], list[Reject]]:
    """The columns asked for of a run's records, their rows, and the records that do not fit the header."""
    wrong: list[Any] = []

    def skip(record: Any) -> str:
        wrong.append(record)
        return "skip"

    table = pyarrow.csv.read_csv(
        pa.BufferReader(run),
        pyarrow.csv.ReadOptions(use_threads=False, block_size=len(run) + 1, column_names=header.names),
        pyarrow.csv.ParseOptions(
            delimiter=header.delimiter, newlines_in_values=True, invalid_row_handler=skip
        ),
        pyarrow.csv.ConvertOptions(
            check_utf8=False, column_types=header.schema(), include_columns=list(asked), null_values=[""],
            strings_can_be_null=True, quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip
    bad = np.array([record.number - 1 for record in wrong], np.int64)
    numbers = np.delete(np.arange(len(table) + len(bad)), bad) + row
    rejects = [
        Reject(
            row + record.number - 1,
            "wrong_columns",
            f"{record.actual_columns} fields; the header has {record.expected_columns}",
        )
        for record in wrong
    ]
    arrays = [column.combine_chunks() for column in table.columns]
    arrays = [pa.concat_arrays(one.chunks) if isinstance(one, pa.ChunkedArray) else one for one in arrays]
    return pa.RecordBatch.from_arrays(arrays, names=table.column_names), numbers, rejects


def _valid(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> tuple[NDArray[np.bool_], list[Reject]]:
    """Which rows are UTF-8 throughout, and rejects for the others."""
    good, rejects = np.ones(len(batch), bool), []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            for number, value in enumerate(column.cast(pa.binary())):
                try:
                    (value.as_py() or b"").decode()
                except UnicodeDecodeError as error:
                    if good[number]:
                        detail = f"byte {error.start} of column {name!r}: {error.reason}"
                        rejects.append(Reject(int(rows[number]), "invalid_utf8", detail))
                    good[number] = False
    return good, rejects
