"""Parquet without values that are longer than a document may be, which Arrow would hold several times.

Arrow decodes a page as a whole. So it is given a file in which a mark with their length stands in place of such
values: pages that may hold one are unpacked as a stream and written anew, and what they were longer before is filled
with index pages, which every reader passes over: all offsets of the file hold. Such pages are PLAIN and compressed as
Snappy, gzip, Zstandard or Brotli or not at all; others stay as they are, and so do damaged ones.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.sources import page_headers as headers
from refinery.sources.page_stream import BLOCK_BYTES, Stream, file_blocks, unpacked

LARGE_PAGE = 2**26  # bytes up to which a page is decoded whatever is in it
_MARK = b"\xff\xfe\xffbytes:%d;"  # no text has this, for it is no UTF-8
_MARKED = re.compile(_MARK.replace(b"%d", rb"(\d+)"))
_PLAIN, _PLAIN_DICTIONARY, _RLE = 0, 2, 3  # encodings


def marked_length(text: bytes) -> int | None:
    """The length of a value that was left out of a text, None if there is none."""
    found = _MARKED.search(text)
    return None if found is None else int(found[1])


def shortened(
    source: Any, metadata: pq.FileMetaData, columns: Sequence[str], longest: int, large: int = 0
) -> Any:
    """The file, with marks for values in those columns that are longer than `longest` bytes.

    Pages of up to `large` bytes are not looked into; 0: as many as LARGE_PAGE, or `longest` if that is more.
    """
    large = large or max(LARGE_PAGE, longest)
    chunks = {}
    for number in range(metadata.num_columns):
        column = metadata.schema.column(number)
        if column.physical_type != "BYTE_ARRAY" or not _is_in(column.path, columns):
            continue
        levels = (column.max_repetition_level > 0) + (column.max_definition_level > 0)
        for group in range(metadata.num_row_groups):
            chunk = metadata.row_group(group).column(number)
            if chunk.total_uncompressed_size > large:
                start = chunk.dictionary_page_offset or chunk.data_page_offset
                stop = start + chunk.total_compressed_size
                chunks[start] = _Chunk(source, start, stop, chunk.compression, levels, longest, large)
    return _Shortened(source, chunks) if chunks else source


def _is_in(path: str, columns: Sequence[str]) -> bool:
    return any(path == name or path.startswith(f"{name}.") for name in columns)


class _Shortened:
    """A file, for Arrow, which reads each column chunk from its beginning on."""

    closed = False

    def __init__(self, source: Any, chunks: Mapping[int, _Chunk]) -> None:
        self._source = source
        self._chunks = chunks
        self._starts = sorted(chunks)
        self._reading: dict[int, tuple[_Chunk, Stream]] = {}  # by where they go on
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """As of any file."""
        self._source.seek(offset, whence)
        self._at = self._source.tell()
        return self._at

    def tell(self) -> int:
        """As of any file."""
        return self._at

    def read(self, size: int) -> bytes:
        """The file's bytes, those of a chunk anew if they are read from its first one on."""
        pieces = []
        while size > 0 and (content := self._piece(size)):
            pieces.append(content)
            self._at += len(content)
            size -= len(content)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        """Bytes up to the end of a chunk, or up to the next one."""
        if chunk := self._chunks.get(self._at):
            stream = Stream(chunk.blocks())
        elif self._at in self._reading:
            chunk, stream = self._reading.pop(self._at)
        else:
            number = bisect_right(self._starts, self._at)
            if number < len(self._starts):
                size = min(size, self._starts[number] - self._at)
            self._source.seek(self._at)
            return bytes(self._source.read(size))
        content = stream.read(min(size, chunk.stop - self._at))
        if self._at + len(content) < chunk.stop:
            self._reading[self._at + len(content)] = chunk, stream
        return content

    def close(self) -> None:
        """Nothing: the file is closed by who opened it."""


@dataclass(frozen=True)
class _Chunk:
    """One column of a row group; levels: of how many kinds its pages have some."""

    source: Any
    start: int
    stop: int
    codec: str
    levels: int
    longest: int
    large: int

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, those of pages with long values anew."""
        at = self.start
        stream = Stream(file_blocks(self.source, at, self.stop))
        while at < self.stop:
            head = bytearray()

            def read(size: int, stream: Stream = stream, head: bytearray = head) -> bytes:
                content = stream.read(size)
                head.extend(content)
                return content

            try:
                header = headers.read_structure(read)
            except ValueError:  # Arrow tells of the damage
                yield bytes(head)
                yield from stream.rest()
                return
            begin, at = at + len(head), at + len(head) + max(0, headers.number(header, headers.PACKED))
            anew = None
            if headers.number(header, headers.UNPACKED) > self.large:
                anew = self._anew(_Page(header, begin, at), len(head))
            if anew is None:
                yield bytes(head)
                yield from stream.blocks(at - begin)
            else:
                yield from anew
                stream = Stream(file_blocks(self.source, at, self.stop))

    def _anew(self, page: _Page, head: int) -> Iterator[bytes] | None:
        """The page with marks and what fills it up, None if it is to stay as it is."""
        try:
            form = _form(page.header, self.levels)
            if form is None or not self._copy(page, form, None):
                return None
            values = bytearray()
            self._copy(page, form, values)
        except (ValueError, pa.ArrowException, OSError):
            return None
        prefix = Stream(file_blocks(self.source, page.start, page.stop)).read(form.prefix)
        packed = bytes(values)
        if form.packed(self.codec):
            packed = pa.compress(packed, self.codec.lower(), asbytes=True)
        header = dict(page.header)
        header.pop(headers.CHECKSUM, None)
        header[headers.UNPACKED] = headers.integer(form.prefix + len(values))
        header[headers.PACKED] = headers.integer(form.prefix + len(packed))
        written = headers.write_structure(header) + prefix + packed
        left = head + page.stop - page.start - len(written)
        return _filled(written, left) if left == 0 or left >= len(_index_header(0)) else None

    def _copy(self, page: _Page, form: _Form, out: bytearray | None) -> bool:
        """Writes what a page unpacks to, with marks, and tells whether there are any."""
        raw = Stream(file_blocks(self.source, page.start + form.prefix, page.stop))
        stream = Stream(unpacked(raw, self.codec)) if form.packed(self.codec) else raw
        left, marks = headers.number(page.header, headers.UNPACKED) - form.prefix, 0

        def copy(content: bytes) -> None:
            if out is not None:
                out.extend(content)

        sections = form.levels
        while left > 0:
            head = stream.exactly(4)
            size = int.from_bytes(head, "little")
            left -= 4 + size
            if left < 0:
                raise ValueError("a value of a page is longer than the page")
            if sections == 0 and size > self.longest:
                mark = _MARK % size
                copy(len(mark).to_bytes(4, "little") + mark)
                stream.skip(size)
                marks += 1
            elif out is None:
                stream.skip(size)
            else:
                copy(head + stream.exactly(size))
            sections = max(0, sections - 1)
        return marks > 0


class _Page(NamedTuple):
    """A page: its header, and from where to where the rest lies in the file."""

    header: headers.Structure
    start: int
    stop: int


class _Form(NamedTuple):
    """How a page is laid out: bytes that are never compressed, then levels with their lengths, then values."""

    prefix: int
    levels: int
    compressed: bool

    def packed(self, codec: str) -> bool:
        """Whether what follows the prefix is compressed."""
        return self.compressed and codec != "UNCOMPRESSED"


def _form(header: headers.Structure, levels: int) -> _Form | None:
    """Of a page of PLAIN values, None of any other (https://parquet.apache.org/docs/file-format/data-pages/)."""
    number = headers.number
    kind = number(header, headers.TYPE)
    field = {
        headers.DATA_PAGE: headers.DATA,
        headers.DICTIONARY_PAGE: headers.DICTIONARY,
        headers.DATA_PAGE_V2: headers.DATA_V2,
    }.get(kind)
    inner = header[field].value if field in header else None
    if not isinstance(inner, dict):
        return None
    if kind == headers.DICTIONARY_PAGE:
        return _Form(0, 0, True) if number(inner, 2) in {_PLAIN, _PLAIN_DICTIONARY} else None
    if kind == headers.DATA_PAGE_V2:
        form = _Form(number(inner, 5) + number(inner, 6), 0, bool(number(inner, 7, 1)))
        return form if number(inner, 4) == _PLAIN else None
    is_known = number(inner, 2) == _PLAIN and (number(inner, 3), number(inner, 4)) == (_RLE, _RLE)
    return _Form(0, levels, True) if is_known else None


def _filled(page: bytes, left: int) -> Iterator[bytes]:
    """A page, and index pages of so many bytes."""
    yield page
    while left:
        size = left if left <= BLOCK_BYTES else BLOCK_BYTES // 2
        exact = [n for n in range(size - 13, size - 6) if n >= 0 and len(_index_header(n)) + n == size]
        content = exact[0] if exact else 0  # none fits where the header grows: an empty one first
        yield _index_header(content) + bytes(content)
        left -= len(_index_header(content)) + content


def _index_header(size: int) -> bytes:
    one = headers.integer(size)
    return headers.write_structure(
        {headers.TYPE: headers.integer(headers.INDEX_PAGE), headers.UNPACKED: one, headers.PACKED: one}
    )
