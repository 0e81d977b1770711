"""The reader of each format: the one table of formats that shards are cut and read by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, Protocol

import pyarrow as pa

from refinery.sources import arrow, delimited, jsonl, parquet, rows, text, warc, xml
from refinery.sources.documents import Documents, FilePlan, Request, Shard, SourceSpec

Head = Callable[[], bytes]  # the first bytes of a file's content, below its compression, fetched when asked


class Plan(Protocol):
    """How a file is cut, and its carried columns if `typed`; raises InputError, OSError."""

    def __call__(self, whole: Shard, spec: SourceSpec, head: Head, shard_bytes: int) -> FilePlan: ...  # noqa: D102


class Read(Protocol):
    """The shard's documents, as `read.read_documents` wants them; raises InputError, StorageError."""

    def __call__(self, shard: Shard, request: Request) -> Iterator[Documents]: ...  # noqa: D102


class Columns(Protocol):
    """The columns beside text and id, as about `size` bytes of the file tell; raises InputError."""

    def __call__(self, shard: Shard, spec: SourceSpec, size: int) -> pa.Schema: ...  # noqa: D102


class Reader(NamedTuple):
    """What a format is read by; typed: its columns are known before all rows have been read; rows: what gives them
    as JSON, of a format that is read so.
    """

    plan: Plan
    read: Read
    columns: Columns
    typed: bool = True
    rows: rows.Rows | None = None


def _of_rows(plan: Plan, found: rows.Rows) -> Reader:
    return Reader(plan, partial(rows.read, found), partial(rows.first_columns, found), False, found)


READERS = {
    "parquet": Reader(parquet.plan, parquet.read, parquet.carried_schema),
    "jsonl": _of_rows(jsonl.plan, jsonl.rows),
    "json": _of_rows(jsonl.plan, jsonl.rows),
    "arrow": Reader(arrow.plan, arrow.read, arrow.carried_schema),
    "csv": Reader(delimited.plan, delimited.read, delimited.carried_schema),
    "text": _of_rows(text.plan, text.text_rows),
    "html": _of_rows(text.plan, text.html_rows),
    "xml": _of_rows(xml.plan, xml.rows),
    "warc": Reader(warc.plan, warc.read, warc.carried_schema),
    "wet": Reader(warc.plan, warc.read, warc.carried_schema),
}
