"""Reading JSON Lines, plain or compressed: one object a line, every line judged by itself.

A plain file is cut by bytes: a line belongs to the shard in which its first byte lies. A row is a line, so that its
number leads there with sed or an editor: blank ones count and are passed over. A byte order mark, CRLF and a missing
last newline change nothing. A line longer than the limit is passed over without being held. Lines are parsed one by
one by `json_line` (the only Python loop).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.sources import compression, json_line
from refinery.sources.digest import PartDigest
from refinery.sources.documents import (
    NO_COLUMNS,
    REJECT_BYTES,
    Cut,
    Description,
    Documents,
    FilePlan,
    Reject,
    Shard,
    SourceSpec,
)
from refinery.sources.identity import HEAD, file_head
from refinery.sources.json_row import MISSING, JsonRows
from refinery.sources.schema import JsonColumns, json_column
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import redact

_BOM = b"\xef\xbb\xbf"
_LOOK_BYTES = 4 * 2**20  # of lines whose values beside text and id are looked at together

Line = tuple[int, bytes | Reject]  # row, and the line or why it is none


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """Cuts a large plain file into runs of bytes; a compressed one is one shard. No carried columns are known yet.

    The head is fetched only if the file is large: what is no JSON Lines at all is told by reading it.
    """
    one = FilePlan((Cut(0, -1, 0, None, whole.bytes),), pa.schema([]), whole.made)
    count = max(1, round(whole.bytes / shard_bytes))
    if count == 1 or wrong_form(head()) or compression.is_compressed(file_head(whole.path, whole.bytes)):
        return one
    ends = [whole.bytes * number // count for number in range(count + 1)]
    cuts = [Cut(start, stop, 0, None, stop - start) for start, stop in pairwise(ends)]
    return one._replace(cuts=(*cuts[:-1], cuts[-1]._replace(stop=-1)))


def wrong_form(head: bytes) -> str:
    """What a file is that begins so, and what to do, if it is UTF-16, a JSON array or a web page; else nothing."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "the file is UTF-16 (JSON Lines are UTF-8; convert it)"
    first = head.removeprefix(_BOM).lstrip()
    if first[:1] == b"[" and not json_line.is_json(first.partition(b"\n")[0]):
        return "this is a JSON array, not JSON Lines (write one object a line)"
    if first[:1] == b"<":
        return "this is an HTML or XML page, not JSON Lines (download it again)"
    return ""


def read(
    shard: Shard,
    spec: SourceSpec,
    carry: pa.Schema | None,
    wanted: NDArray[np.int64] | None,
    batch_bytes: int,
    description: Description | None,
) -> Iterator[Documents]:
    """The shard's rows in order; lines that are not wanted are not parsed, and no line is parsed twice.

    Ids of a batch are null, int64 or string: what the lines of that batch have. Raises InputError when the file
    cannot be read, or when values do not fit the columns of `carry`.
    """
    parser = JsonRows(shard, spec)
    seen = None if description is None else _Seen()
    batch = _Batch(shard, parser, carry, seen)
    asked = None if wanted is None else iter(wanted.tolist())
    next_row = None if asked is None else next(asked, None)
    row = -1
    digest = description.digest if description else None
    for row, line in lines(shard, spec.max_document_bytes, digest):
        if asked is not None:
            if next_row is None:
                break
            if row != next_row:
                continue
            next_row = next(asked, None)
        if isinstance(line, Reject) or not (line.isspace() or not line):
            batch.add(row, line)
        if batch.size >= batch_bytes:
            yield batch.documents()
            batch = _Batch(shard, parser, carry, seen)
    yield batch.documents()
    if description is not None and seen is not None:
        description.rows, description.carried = row + 1, seen.schema()


def rows_before(shard: Shard) -> int:
    """The lines of the file before the shard's, counted."""
    if shard.start == 0:
        return 0
    count, left = 1, shard.start - 1  # a newline right before the cut begins the shard's own first line
    with closing(open_input(shard.path)) as file:
        while block := file.read(min(left, compression.BLOCK)):
            count += block.count(b"\n")
            left -= len(block)
    return count


def first_columns(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The types of the columns beside text and id in the first lines, which together have about `size` bytes.

    Raises InputError when the file cannot be opened or is no JSON Lines.
    """
    parser, seen = JsonRows(shard, spec), _Seen()
    for row, line in lines(shard, spec.max_document_bytes):
        parsed = line if isinstance(line, Reject) else parser.parse(row, line)
        if isinstance(parsed, Reject) and parsed.reason == "unreadable":
            raise InputError(redact(shard.path), parsed.detail)
        if not isinstance(parsed, Reject):
            seen.add(parsed[2], len(line))  # type: ignore[arg-type]
        # what is rejected here is longer than the limit
        size -= spec.max_document_bytes if isinstance(line, Reject) else len(line) + 1
        if size <= 0:
            break
    return seen.schema()


def lines(shard: Shard, limit: int, digest: PartDigest | None = None) -> Iterator[Line]:
    """The shard's lines with their row numbers, blank ones too. A damaged stream ends in a reject.

    A file that is no JSON Lines at all is one reject. Raises InputError when the file cannot be read.
    """
    row = 0
    try:
        with closing(open_input(shard.path)) as opened:
            file = digest.of_reads(opened) if digest else opened
            if shard.start == 0 and (problem := wrong_form(file.read(HEAD))):
                yield 0, Reject(0, "unreadable", problem)
                return
            for line in _raw_lines(file, shard, limit):
                if isinstance(line, int):
                    detail = f"{line} bytes in the line; the limit is {limit}"
                    yield row, Reject(row, "oversize_row", detail)
                else:
                    yield row, line
                row += 1
    except compression.NoDictionaryError as error:
        yield row, Reject(row, "unreadable", str(error))
    except compression.DamagedError as error:
        detail = f"{error}; what can be read ends before row {row}"
        yield row, Reject(row, "truncated_file", detail)
    except OSError as error:
        raise unreadable(shard.path, error) from None


def _raw_lines(file: BinaryIO, shard: Shard, limit: int) -> Iterator[bytes | int]:
    """Lines whose first byte lies in the shard, without their newline; instead of one over the limit, its bytes."""
    # from one byte earlier, so that a line that starts right at the cut is seen to start there
    line_start = max(shard.start - 1, 0)
    skipping = shard.start > 0
    held: list[bytes] = []
    size = 0
    for block in compression.blocks(file, line_start):
        if line_start == size == 0 and block.startswith(_BOM):
            block, line_start = block[len(_BOM) :], len(_BOM)  # noqa: PLW2901
        *ended, rest = block.split(b"\n")
        for piece in ended:
            if not skipping and shard.stop != -1 and line_start >= shard.stop:
                return
            size += len(piece)
            if not skipping:
                yield size if size > limit else b"".join([*held, piece])
            line_start, skipping, held, size = line_start + size + 1, False, [], 0
        size += len(rest)
        held = [*held, rest] if size <= limit and not skipping else []
    if size and not skipping and (shard.stop == -1 or line_start < shard.stop):
        yield size if size > limit else b"".join(held)


class _Seen:
    """The types of the carried columns of all lines, looked at some megabytes at a time."""

    def __init__(self) -> None:
        self._columns = JsonColumns()
        self._waiting: list[dict[str, Any]] = []
        self._size = 0

    def add(self, others: dict[str, Any], size: int) -> None:
        """One line's values beside text and id; the line has `size` bytes."""
        self._waiting.append(others)
        self._size += size
        if self._size >= _LOOK_BYTES:
            self._look()

    def schema(self) -> pa.Schema:
        """The columns of all lines so far."""
        self._look()
        return self._columns.schema()

    def _look(self) -> None:
        self._columns.add(self._waiting)
        self._waiting, self._size = [], 0


class _Batch:
    """Rows of a shard as they gather."""

    def __init__(self, shard: Shard, parser: JsonRows, carry: pa.Schema | None, seen: _Seen | None) -> None:
        self._shard = shard
        self._parser = parser
        self._carry = carry
        self._seen = seen
        self._rows: list[int] = []
        self._texts: list[str] = []
        self._ids: list[Any] = []
        self._others: list[dict[str, Any]] = []
        self._rejects: list[Reject] = []
        self.size = 0

    def add(self, row: int, line: bytes | Reject) -> None:
        """Parses a line, or takes a reject as it is."""
        parsed = line if isinstance(line, Reject) else self._parser.parse(row, line)
        if isinstance(parsed, Reject):
            self._rejects.append(parsed)
            self.size += REJECT_BYTES
            return
        text, name, others = parsed
        self._rows.append(row)
        self._texts.append(text)
        self._ids.append(name)
        if self._carry is not None:
            self._others.append(others)
        if self._seen is not None:
            self._seen.add(others, len(line))  # type: ignore[arg-type]
        self.size += len(line)  # type: ignore[arg-type]

    def documents(self) -> Documents:
        """What has been gathered, as arrays."""
        rows = np.array(self._rows, np.int64)
        text = pa.array(self._texts, pa.large_string())
        minted = np.array([name is MISSING for name in self._ids], bool)
        rejects = tuple(self._rejects)
        return Documents(rows, text, self._id_array(), minted, self._columns(), rejects)

    def _id_array(self) -> pa.Array:
        kinds = {type(name) for name in self._ids} - {type(None)}
        if kinds <= {int}:
            return pa.array(self._ids, pa.int64() if kinds else pa.null())
        texts = [name if isinstance(name, str) else _digits(name) for name in self._ids]
        return pa.array(texts, pa.string())

    def _columns(self) -> pa.RecordBatch:
        if self._carry is None:
            return NO_COLUMNS
        try:
            arrays = [json_column([row.get(f.name) for row in self._others], f) for f in self._carry]
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            problem = f"a value does not fit the type its column had in the first read: {error}"
            raise InputError(self._shard.name, problem[:300]) from None
        return pa.RecordBatch.from_arrays(arrays, schema=self._carry)


def _digits(name: object) -> str | None:
    """An id among strings; NULL for none and for one that is to be minted."""
    return str(name) if isinstance(name, int) else None
