"""Reading WARC and WET: HTML responses with status 200, and conversion records, one document each.

Everything else in an archive (requests, metadata, other statuses and types of content) is no document and is
counted by reason. A cut-off file, a wrong header or a bomb is seen as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.archived_response import is_html, parse_response
from refinery.sources.documents import (
    NO_COLUMNS,
    REJECT_BYTES,
    Cut,
    Documents,
    FilePlan,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.extractor import ExtractionError, Extractor
from refinery.sources.html import EXTRACTION_SECONDS
from refinery.sources.warc_records import WarcRecord, WarcRecords
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import redact

CARRIED = pa.schema([(name, pa.string()) for name in ("url", "date", "http_status", "content_type")])

_KINDS = frozenset(
    ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion", "continuation")
)


class _SkippedError(Exception):
    """A record that is no document; the reason is the message."""


class _RejectedError(Exception):
    """A record that should be a document and cannot be read."""


@dataclass(frozen=True)
class _Document:
    text: str
    columns: tuple[str | None, ...]


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """One shard; raises InputError when the file does not begin as a WARC file does."""
    with closing(open_input(whole.path)) as file:
        try:
            begin = next(compression.blocks(file), b"")
        except compression.DamagedError as error:
            raise InputError(redact(whole.path), str(error)) from None
    if begin and not begin.lstrip().startswith(b"WARC/"):
        raise InputError(redact(whole.path), "this is not a WARC file", "it should begin with WARC/1.0")
    return FilePlan((Cut(0, -1, 0, None, whole.bytes),), CARRIED)


def carried_schema(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The same for every archive."""
    return CARRIED


def read(shard: Shard, request: Request) -> Iterator[Documents]:
    """The shard's documents in order; a row is a record of any type. Records not wanted are not extracted.

    Raises InputError when the file cannot be read.
    """
    spec, carry, wanted, batch_bytes, description = request
    chosen = None if wanted is None else frozenset(wanted.tolist())
    found: list[tuple[int, _Document]] = []
    rejects: list[Reject] = []
    skipped: Counter[str] = Counter()
    size = 0
    with ExitStack() as stack:
        try:
            file = stack.enter_context(closing(open_input(shard.path)))
        except OSError as error:
            raise unreadable(shard.path, error) from None
        digest = description.digest if description else None
        content = compression.blocks(digest.of_reads(file) if digest else file)
        records = WarcRecords(content, spec.max_document_bytes)
        extractor = stack.enter_context(Extractor(spec.extractor, EXTRACTION_SECONDS))
        row = -1
        try:
            for row, record in enumerate(records):
                if chosen is not None and row not in chosen:
                    continue
                try:
                    document = _document(record, spec, extractor)
                except _SkippedError as reason:
                    skipped[str(reason)] += 1
                    continue
                except _RejectedError as error:
                    rejects.append(Reject(row, *error.args))
                    size += REJECT_BYTES
                else:
                    found.append((row, document))
                    size += len(document.text.encode())
                if size >= batch_bytes:
                    yield _documents(found, rejects, skipped, carry)
                    found, rejects, skipped, size = [], [], Counter(), 0
        except OSError as error:
            raise unreadable(shard.path, error) from None
        if records.damage:
            detail = f"{records.damage}; what can be read ends before row {row + 1}"
            rejects.append(Reject(row + 1, "truncated_file", detail))
        yield _documents(found, rejects, skipped, carry)
    if description is not None:
        description.rows, description.carried = row + 1, CARRIED


def _document(record: WarcRecord, spec: SourceSpec, extractor: Extractor) -> _Document:
    kind = record.fields.get("warc-type", "").lower()
    kind = kind if kind in _KINDS else "unknown"
    if kind not in {"response", "conversion"}:
        raise _SkippedError(f"{kind}_record")
    block = _block(record, spec.max_document_bytes)
    url, date = record.fields.get("warc-target-uri"), record.fields.get("warc-date")
    if kind == "conversion":
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise _RejectedError(
                "invalid_utf8", f"byte {error.start} of the record: {error.reason}"
            ) from None
        return _Document(text, (url, date, None, record.fields.get("content-type")))
    try:
        response = parse_response(block, spec.max_document_bytes)
    except ValueError as error:
        raise _RejectedError(
            "oversize_row" if "more than" in str(error) else "bad_encoding", str(error)
        ) from None
    if response.status != 200:
        raise _SkippedError(f"http_status_{response.status}" if response.status else "not_http")
    if not is_html(response):
        raise _SkippedError("not_html")
    try:
        text = extractor.text(response.body, response.charset)
    except ExtractionError as error:
        raise _RejectedError(error.reason, error.detail) from None
    if not text.strip():
        raise _SkippedError("no_text")
    return _Document(text, (url, date, str(response.status), response.content_type))


def _block(record: WarcRecord, limit: int) -> bytes:
    if record.length is None:
        raise _RejectedError("truncated_record", "the record's header is not complete")
    if max(record.length, record.size) > limit:
        size = max(record.length, record.size)
        raise _RejectedError("oversize_row", f"{size} bytes in the record; the limit is {limit}")
    if record.size < record.length:
        raise _RejectedError("truncated_record", f"{record.size} of {record.length} bytes are there")
    return record.block


def _documents(
    found: list[tuple[int, _Document]],
    rejects: list[Reject],
    skipped: Counter[str],
    carry: pa.Schema | None,
) -> Documents:
    rows = np.array([row for row, _ in found], np.int64)
    text = pa.array([document.text for _, document in found], pa.large_string())
    columns = NO_COLUMNS
    if carry is not None:
        places = {name: number for number, name in enumerate(CARRIED.names)}
        arrays = [
            pa.array([d.columns[places[f.name]] for _, d in found], pa.string()).cast(f.type)
            if f.name in places
            else pa.nulls(len(found), f.type)
            for f in carry
        ]
        columns = pa.RecordBatch.from_arrays(arrays, schema=carry)
    ids, minted = pa.nulls(len(rows), pa.string()), np.ones(len(rows), bool)
    return Documents(rows, text, ids, minted, columns, tuple(rejects), dict(skipped))
