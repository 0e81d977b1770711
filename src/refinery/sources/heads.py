"""What the first rows of a source's files tell: whether there is a document among them, and whether it is HTML."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refinery.errors import InputError, StorageError
from refinery.sources.documents import REJECT_BYTES, Reject, Shard, SourceSpec
from refinery.sources.formats import ENCODED
from refinery.sources.parquet_file import encrypted_columns
from refinery.sources.read import read_documents
from refinery.storage.url import redact

HEAD_FILES = 16  # that tell what a source is
HEAD_ROWS = 1024  # after so many that are none, a file's rows are taken for no documents
_TOLD_BY_PLAN = {"parquet", "arrow", "warc", "wet"}  # whose head alone says what rows are
_PARQUET_BYTES = 32 * 2**20  # of a file whose first rows are looked at: all of a column's are fetched
_END_TAG = r"(?i)</(a|body|div|html|li|p|span|table|td|ul)>"
_HTML = (
    "its texts are HTML, tags among the words (`transform: [html]` of the source gives the text of a page)"
)

T = TypeVar("T")


def spread(files: Sequence[T]) -> Sequence[T]:
    """At most HEAD_FILES, from all over the source."""
    return files[:: -(-len(files) // HEAD_FILES) or 1]


@dataclass(frozen=True)
class _Head:
    documents: int
    rejects: tuple[Reject, ...]
    html: bool = False  # most of its documents
    readable: bool = True

    def tells_of(self, shard: Shard) -> bool:
        """Whether what was looked at stands for the file: a long row may be all of its first shard."""
        rejects = len(self.rejects) if shard.parts == 1 else len(self.rejects) // HEAD_ROWS
        return bool(self.documents or rejects)


def check_heads(
    shards: Sequence[Shard], spec: SourceSpec, *, others: bool = False, cleaned: bool = True
) -> tuple[str, ...]:
    """Reads the first rows of some files; gives a warning for each that has no document among them, and
    for the first one with encrypted columns and the first one whose texts are HTML.

    others: the source has more files, which are known; cleaned: HTML is no surprise, a transform takes it.
    Raises InputError if there are none in any of all files, or in one and `on_error` is `fail`, and for an `encoding`
    that bears on no file. What cannot be read is left out: reading the source will tell.
    """
    formats = {shard.format for shard in shards}
    if spec.encoding and formats and not others and ENCODED.isdisjoint(formats):
        problem = f"`encoding` has no effect: {' and '.join(sorted(formats))} files say theirs"
        raise InputError(redact(shards[0].path), problem, "leave it out")
    encrypted = tuple(_encrypted(shards, spec))
    files = [shard for shard in shards if shard.part == 0]
    firsts = spread([shard for shard in files if shard.format not in _TOLD_BY_PLAN])
    with ThreadPoolExecutor(HEAD_FILES) as pool:
        heads = list(pool.map(partial(_head, spec), firsts))
    filled = [(shard, head) for shard, head in zip(firsts, heads, strict=True) if head.tells_of(shard)]
    told = [shard for shard in files if shard.format in _TOLD_BY_PLAN]
    is_known = len(heads) + len(told) == len(shards) and all(head.readable for head in heads)
    if files and is_known and not filled and not others and all(shard.rows == 0 for shard in told):
        what = f"all of its {len(files):,} files are empty" if len(files) > 1 else "the file is empty"
        raise InputError(redact(files[0].path), f"no document: {what}")
    wrong = [_without_documents(shard, head) for shard, head in filled if not head.documents]
    others = others or len(filled) < len(heads) or any(shard.format in _TOLD_BY_PLAN for shard in shards)
    if wrong and (spec.on_error == "fail" or (len(wrong) == len(filled) and not others)):
        raise wrong[0]
    return (*encrypted, *map(str, wrong), *([] if cleaned else _pages(spec, shards, filled)))


def _encrypted(shards: Sequence[Shard], spec: SourceSpec) -> Iterator[str]:
    """A warning for the first file with columns that are left out."""
    for shard in spread([shard for shard in shards if shard.part == 0 and shard.format == "parquet"]):
        with contextlib.suppress(InputError, StorageError):
            if names := encrypted_columns(shard, spec):
                yield f"{redact(shard.path)}: encrypted columns are left out: {', '.join(names)}"
                return


def _head(spec: SourceSpec, shard: Shard) -> _Head:
    rejects: list[Reject] = []
    with contextlib.suppress(InputError, StorageError):
        all_rows = replace(spec, where=None, joins=())  # what is left out is no mistake
        for batch in read_documents(shard, all_rows, batch_bytes=HEAD_ROWS * REJECT_BYTES):
            rejects += batch.rejects  # which may come before the rows around them
            if len(batch.rows) or len(rejects) >= HEAD_ROWS:
                return _Head(len(batch.rows), tuple(rejects), _is_html(batch.text))
        return _Head(0, tuple(rejects))
    return _Head(0, tuple(rejects), readable=False)


def _pages(spec: SourceSpec, shards: Sequence[Shard], heads: Sequence[tuple[Shard, _Head]]) -> Iterator[str]:
    """A warning for the first file whose texts are HTML."""
    tables = [shard for shard in shards[:1] if shard.format == "parquet" and shard.bytes <= _PARQUET_BYTES]
    for shard, head in (*heads, *((shard, _head(spec, shard)) for shard in tables)):
        if head.html:
            yield f"{redact(shard.path)}: {_HTML}"
            return


def _is_html(texts: pa.Array) -> bool:
    tagged = pc.match_substring_regex(texts, _END_TAG).to_numpy(zero_copy_only=False)
    return len(texts) > 0 and bool(2 * np.count_nonzero(tagged) > len(texts))


def _without_documents(shard: Shard, head: _Head) -> InputError:
    first, count = head.rejects[0], len(head.rejects)
    place = redact(shard.path)
    if first.reason == "unreadable":
        return InputError(place, first.detail)
    hint = "`text` of the source names what holds the text" if "text" in first.reason else ""
    rows = (
        f"none of its {'first ' if count >= HEAD_ROWS else ''}{count:,} rows is"
        if count > 1
        else "its only row is not"
    )
    why = f"{first.reason}: {first.detail}" if first.detail else first.reason
    return InputError(place, f"{rows} a document ({why})", hint)
