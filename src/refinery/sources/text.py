"""Reading files of which each is a document: text and Markdown with their front matter, and HTML pages.

A document's id is its path below the source's root, unless its front matter has one.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing

import orjson
import pyarrow as pa

from refinery.sources import compression
from refinery.sources.digest import PartDigest
from refinery.sources.documents import FilePlan, Reject, Shard, SourceSpec
from refinery.sources.encoding import as_utf8, wrong_encoding
from refinery.sources.extractor import ExtractionError, Extractor
from refinery.sources.front_matter import FrontMatterError, split
from refinery.sources.html import EXTRACTION_SECONDS
from refinery.sources.rows import Row
from refinery.storage.place import open_input, unreadable

_UTF16 = {b"\xff\xfe", b"\xfe\xff"}
_OWN = threading.local()  # what extracts pages for this thread, over files


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """One shard, of one document."""
    return FilePlan.uncut(whole, pa.schema([]))


def text_rows(shard: Shard, spec: SourceSpec, digest: PartDigest | None) -> Iterator[Row]:
    """The file as a row: `id`, its front matter, and `text`. Raises InputError when it cannot be read."""
    content = _content(shard, spec, digest)
    yield 0, content if isinstance(content, Reject) else _row(shard, content)


def html_rows(shard: Shard, spec: SourceSpec, digest: PartDigest | None) -> Iterator[Row]:
    """The page as a row: `id`, and its main content as `text`. Raises InputError when it cannot be read."""
    content = _content(shard, spec, digest)
    if isinstance(content, Reject):
        yield 0, content
        return
    try:
        text = _extractor(spec).text(content, "utf-8" if spec.encoding else None)
    except ExtractionError as error:
        yield 0, Reject(0, error.reason, error.detail)
        return
    row = orjson.dumps({"id": shard.relative_path, "text": text})
    yield 0, row if text.strip() else Reject(0, "no_text", "the page has no main content")


def _content(shard: Shard, spec: SourceSpec, digest: PartDigest | None) -> bytes | Reject:
    blocks: list[bytes] = []
    size = 0
    try:
        with closing(open_input(shard.path)) as opened:
            raw = compression.blocks(digest.of_reads(opened) if digest else opened)
            for block in as_utf8(raw, spec.encoding):
                size += len(block)
                if size > spec.max_document_bytes:
                    return Reject(0, "oversize_row", f"more than {spec.max_document_bytes} bytes, the limit")
                blocks.append(block)
    except compression.DamagedError as error:
        return Reject(0, "truncated_file", str(error))
    except OSError as error:
        raise unreadable(shard.path, error) from None
    return b"".join(blocks)


def _row(shard: Shard, content: bytes) -> bytes | Reject:
    try:
        # a byte order mark is no part of the text
        text = content.decode("utf-16" if content[:2] in _UTF16 else "utf-8-sig")
        columns, body = split(text)
        if "text" in columns:
            columns["input_text"] = columns.pop("text")
        row = {"id": shard.relative_path, **columns, "text": body}
        return orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS)
    except UnicodeDecodeError as error:
        hint = wrong_encoding(content) or f"byte {error.start} of the file: {error.reason}"
        return Reject(0, "invalid_utf8", hint)
    except (FrontMatterError, TypeError) as error:  # what JSON cannot hold is a TypeError
        return Reject(0, "bad_front_matter", str(error))


def _extractor(spec: SourceSpec) -> Extractor:
    """This thread's own, which outlives a file, not the thread: to start its process takes longer than most pages."""
    key = (os.getpid(), spec.extractor)  # a process that was forked must not write to its parent's
    if getattr(_OWN, "key", None) != key:
        _OWN.key, _OWN.extractor = key, Extractor(spec.extractor, EXTRACTION_SECONDS)
        weakref.finalize(threading.current_thread(), _end, _OWN.extractor, os.getpid())
    return _OWN.extractor  # type: ignore[no-any-return]


def _end(extractor: Extractor, process: int) -> None:
    if os.getpid() == process:
        extractor.__exit__(None, None, None)
