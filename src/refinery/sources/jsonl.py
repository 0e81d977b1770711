"""Reading JSON, plain or compressed: JSON Lines, one object a line, or objects that `json_values` cuts apart.

A plain file of lines is cut by bytes: a line belongs to the shard in which its first byte lies. A row is a line, so
that its number leads there with sed or an editor: blank ones count and are passed over. Byte order marks, CRLF and a
missing last newline change nothing. Of other JSON a row is a value. What is longer than the limit is passed over
without being held. Rows are parsed one by one by `json_line` (the only Python loop).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice, pairwise

import pyarrow as pa

from refinery.sources import compression
from refinery.sources.digest import PartDigest
from refinery.sources.documents import (
    Cut,
    FilePlan,
    Reject,
    Shard,
    SourceSpec,
)
from refinery.sources.encoding import as_utf8, wrong_encoding
from refinery.sources.formats import mistaken
from refinery.sources.identity import HEAD, file_head
from refinery.sources.json_row import JsonRows
from refinery.sources.json_values import UnfinishedError, is_laid_out, values
from refinery.sources.rows import Row
from refinery.storage.place import open_input, unreadable

_BOM = b"\xef\xbb\xbf"
_DESCRIPTION_BYTES = 4 * 2**20  # of the largest file that may describe a data set


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """Cuts large plain JSON Lines into runs of bytes; all else is one shard. No carried columns are known yet.

    The head is fetched only if the file is large: what is no JSON at all is told by reading it. A file that holds one
    object without a text, as those that describe a data set, has no cuts.
    """
    if whole.format == "json" and whole.bytes <= _DESCRIPTION_BYTES and missing_text(whole, spec):
        return FilePlan((), pa.schema([]))
    one = FilePlan.uncut(whole, pa.schema([]))
    count = max(1, round(whole.bytes / shard_bytes))
    if count == 1 or spec.encoding or is_laid_out(head()) or wrong_form(head()):
        return one
    if compression.is_compressed(file_head(whole.path, whole.bytes)):
        return one
    ends = [whole.bytes * number // count for number in range(count + 1)]
    cuts = [Cut(start, stop, 0, None, stop - start) for start, stop in pairwise(ends)]
    return one._replace(cuts=(*cuts[:-1], cuts[-1]._replace(stop=-1)))


def missing_text(whole: Shard, spec: SourceSpec) -> str:
    """Why a file of one object has no text, if it lacks it; nothing for any other file. Raises InputError."""
    found = list(islice(rows(whole, spec, None), 2))
    if len(found) != 1 or isinstance(line := found[0][1], Reject):
        return ""
    parsed = JsonRows(whole, spec).parse(0, line)
    return parsed.detail if isinstance(parsed, Reject) and parsed.reason == "missing_text" else ""


def wrong_form(head: bytes) -> str:
    """What a file is that begins so, and what to do, if it is of another form or encoding; else nothing."""
    if head.removeprefix(_BOM).lstrip()[:1] == b"<":
        return "this is an HTML or XML page, not JSON (download it again)"
    if other := "a zip archive" if head.startswith(b"PK\x03\x04") else mistaken("json", "", head):
        return f"this is {other}, not JSON (give it an ending that says so)"
    return wrong_encoding(head)


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


def rows(shard: Shard, spec: SourceSpec, digest: PartDigest | None) -> Iterator[Row]:
    """The shard's lines or values with their row numbers, blank lines too. A damaged stream ends in a reject.

    A file that is no JSON at all is one reject. Raises InputError when the file cannot be read.
    """
    row, limit = 0, spec.max_document_bytes
    try:
        with closing(open_input(shard.path)) as opened:
            file = digest.of_reads(opened) if digest else opened
            # from one byte earlier, so that a line that starts right at the cut is seen to start there
            head, blocks = _head_of(as_utf8(compression.blocks(file, max(shard.start - 1, 0)), spec.encoding))
            if shard.start == 0 and (problem := wrong_form(head)):
                yield 0, Reject(0, "unreadable", problem)
                return
            whole = (shard.start, shard.stop) == (0, -1)
            found = values(blocks, limit) if whole and is_laid_out(head) else _lines(blocks, shard, limit)
            for line in found:
                if isinstance(line, int):
                    detail = f"{line} bytes in the row; the limit is {limit}"
                    yield row, Reject(row, "oversize_row", detail)
                else:
                    yield row, line
                row += 1
    except compression.NoDictionaryError as error:
        yield row, Reject(row, "unreadable", str(error))
    except (compression.DamagedError, UnfinishedError) as error:
        detail = f"{error}; what can be read ends before row {row}"
        yield row, Reject(row, "truncated_file", detail)
    except OSError as error:
        raise unreadable(shard.path, error) from None


def _head_of(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes of content, and all of its blocks."""
    first: list[bytes] = []
    damage: list[compression.DamagedError] = []
    size = 0
    try:
        while size < HEAD and (block := next(blocks, b"")):
            first, size = [*first, block], size + len(block)
    except compression.DamagedError as error:  # of what comes after these blocks
        damage.append(error)

    def every() -> Iterator[bytes]:
        yield from first
        if damage:
            raise damage[0]
        yield from blocks

    return b"".join(first)[:HEAD], every()


def _lines(blocks: Iterable[bytes], shard: Shard, limit: int) -> Iterator[bytes | int]:
    """Lines whose first byte lies in the shard, without their newline; instead of one over the limit, its bytes."""
    line_start = max(shard.start - 1, 0)
    skipping = shard.start > 0
    held: list[bytes] = []
    size = 0
    for block in blocks:
        *ended, rest = block.split(b"\n")
        for piece in ended:
            if not skipping and shard.stop != -1 and line_start >= shard.stop:
                return
            size += len(piece)
            if not skipping:  # a byte order mark begins the lines of each file that was joined to others
                yield size if size > limit else b"".join([*held, piece]).removeprefix(_BOM)
            line_start, skipping, held, size = line_start + size + 1, False, [], 0
        size += len(rest)
        held = [*held, rest] if size <= limit and not skipping else []
    if size and not skipping and (shard.stop == -1 or line_start < shard.stop):
        yield size if size > limit else b"".join(held).removeprefix(_BOM)
