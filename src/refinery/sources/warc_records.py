"""The records of a WARC file (ISO 28500), also those after one whose header gives a false length.

A length is believed if another record or the end of the file follows. Else the block ends where the next record's
version line stands, so that one wrong header costs at most its own record. Memory holds one block, at most the limit.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from refinery.sources.compression import BLOCK, DamagedError

_HEAD_BYTES = 2**20
_OVERLAP = 256  # bytes; longer than what `_NEXT` looks at
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLDED = re.compile(r"\r?\n[ \t]+")
_NEXT = re.compile(rb"\r?\n(?:\r?\n)?(?=WARC/[0-9]\.[0-9]{1,2}\r?\n[A-Za-z-]{1,100}:)")
_END = re.compile(rb"\r?\n\r?\n\Z")
_PADDING = b"\r\n\0 "
_AFTER = re.compile(rb"[\r\n\0 ]*(WARC/)?")


@dataclass(frozen=True)
class WarcRecord:
    """Header fields by lower-case name; `length` as declared, None if it is no number; `size` of the block in bytes.

    The block is empty when it is longer than the limit or when its length is None.
    """

    fields: dict[str, str]
    length: int | None
    size: int
    block: bytes


class WarcRecords:
    """Iterates over the records in blocks of bytes; `damage` says why they end early, empty if they don't."""

    def __init__(self, blocks: Iterator[bytes], limit: int) -> None:
        self._blocks = blocks
        self._limit = limit
        self._held = bytearray()
        self._ended = False
        self.damage = ""

    def __iter__(self) -> Iterator[WarcRecord]:
        while self._at_record():
            head = self._head()
            if head is None:
                self.damage = self.damage or "a record's header ends early"
                return
            fields = _fields(head)
            declared = fields.get("content-length", "")
            if declared.isascii() and declared.isdigit():
                yield self._record(fields, int(declared))
            else:
                yield WarcRecord(fields, None, self._to_next()[1], b"")

    def _at_record(self) -> bool:
        """Whether a record begins here, line ends and padding passed; anything else before the next one is damage."""
        self._fill(_OVERLAP)
        while (found := _AFTER.match(self._held)) and not found[1] and found.end() and self._held:
            del self._held[: found.end()]
            self._fill(_OVERLAP)
        if not self._held:
            return False
        if found and found[1]:
            del self._held[: found.start(1)]
            return True
        _, size = self._to_next()
        self.damage = self.damage or f"{size} bytes are no record"
        return bool(self._held)

    def _head(self) -> bytes | None:
        """The header without its blank line; None when there is none."""
        while not _HEAD_END.search(self._held) and not self._ended and len(self._held) < _HEAD_BYTES:
            self._fill(len(self._held) + 1)
        end = _HEAD_END.search(self._held, 0, _HEAD_BYTES)
        if end is None:
            return None
        head = bytes(self._held[: end.start()])
        del self._held[: end.end()]
        return head

    def _record(self, fields: dict[str, str], length: int) -> WarcRecord:
        if length > self._limit:
            return WarcRecord(fields, length, self._to_next(length)[1], b"")
        self._fill(length + _OVERLAP)
        after = _AFTER.match(self._held, length)
        believed = after and (after[1] or (self._ended and length <= len(self._held) == after.end()))
        if believed:
            block, size = bytes(self._held[:length]), length
            del self._held[:length]
        else:
            block, size = self._to_next()
            if not self._held:
                block, size = self._last(block, size, length)
        return WarcRecord(fields, length, size, block)

    def _last(self, block: bytes, size: int, length: int) -> tuple[bytes, int]:
        """The last block of the file: to the blank line that ends a record, or else what the header says."""
        end = _END.search(block, max(size - 4, 0))
        if end:
            return block[: end.start()], end.start()
        if block[length:].strip(_PADDING):
            self.damage = self.damage or f"{size - length} bytes after the last record are none"
        return block[:length], min(size, length)

    def _to_next(self, most: int = sys.maxsize) -> tuple[bytes, int]:
        """Takes what stands before the next record, at most so many bytes: it (empty if over the limit), its size."""
        taken, size = bytearray(), 0
        while True:
            found = _NEXT.search(self._held)
            end = found.start() if found else len(self._held) - (0 if self._ended else _OVERLAP)
            end = max(min(end, most - size), 0)
            size += end
            if size <= self._limit:
                taken += self._held[:end]
            del self._held[:end]
            if found or self._ended or size == most:
                break
            self._fill(_OVERLAP + BLOCK)
        return bytes(taken) if size <= self._limit else b"", size

    def _fill(self, size: int) -> None:
        """Holds at least so many bytes, if there are as many."""
        while len(self._held) < size and not self._ended:
            try:
                block = next(self._blocks, b"")
            except DamagedError as error:
                self.damage, block = str(error), b""
            self._held += block
            self._ended = not block


def _fields(head: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in _FOLDED.sub(" ", head.decode("utf-8", "replace")).splitlines()[1:]:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    return fields
