"""Checksums of refinery's own files, so that damage is found and never read as data.

Page checksums of Parquet leave out page headers and the footer, where one flipped bit can give other rows. So a
Parquet file of refinery holds, just before its footer, the XXH3-64 of each block of the bytes before it, a mark, and
the XXH3-128 of those checksums and the footer: readers of Parquet follow offsets and never look there, and a part of
a file is verified without the rest; who reads an output as a source reads it as any Parquet. A JSON file of the
work folder holds its content and its checksum.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO

import orjson
import xxhash

from refinery.storage.commit import OutputFile

BLOCK = 1 << 16  # bytes that are verified at a time
_DIGEST = 8  # bytes of a block's checksum
_MARK = b"refinery"
_SUM = 16  # bytes of the checksum of all that is not in blocks
_TAIL = 8  # of Parquet: length of the footer and a magic word


class SealedFile(io.RawIOBase):
    """Passes on what a Parquet writer writes; what comes after `begin_footer` follows the checksums."""

    def __init__(self, file: OutputFile) -> None:
        self._file = file
        self._block = xxhash.xxh3_64()
        self._room = BLOCK  # left in the block
        self._digests = bytearray()
        self._footer: bytearray | None = None

    def writable(self) -> bool:
        """True: pyarrow asks before it writes."""
        return True

    def tell(self) -> int:
        """Bytes written so far."""
        return self._file.size + len(self._footer or b"")

    def write(self, data: Any) -> int:
        """Writes all of the data, or keeps it if the footer has begun."""
        view = memoryview(data).cast("B")
        if self._footer is not None:
            self._footer += view
            return len(view)
        start = 0
        while start < len(view):
            part = view[start : start + self._room]
            self._block.update(part)
            start += len(part)
            self._room -= len(part)
            if not self._room:
                self._end_block()
        return self._file.write(view)

    def _end_block(self) -> None:
        self._digests += self._block.digest()
        self._block.reset()
        self._room = BLOCK

    def begin_footer(self) -> None:
        """What is written from here on is the footer."""
        if self._room < BLOCK:
            self._end_block()
        self._footer = bytearray()

    def finish(self) -> None:
        """Writes the checksums and the footer."""
        footer = bytes(self._footer or b"")
        self._file.write(bytes(self._digests) + _MARK + xxhash.xxh3_128_digest(self._digests + footer))
        self._file.write(footer)


class VerifiedFile(io.RawIOBase):
    """A sealed Parquet file to be read from any place; no byte is given before its block is verified.

    tail: the bytes that are in no block, the footer at their end. Raises ValueError, saying what is wrong, when the
    file is not as it was written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._at = 0
        self._last = (0, 0, b"")  # a block that was read
        self._size = file.seek(0, io.SEEK_END)
        end = self._read(max(0, self._size - BLOCK), self._size)
        mark = self._size - _TAIL - int.from_bytes(end[-_TAIL:-4], "little") - _SUM - len(_MARK)
        blocks = -(-mark // (BLOCK + _DIGEST))
        self._stop = mark - blocks * _DIGEST
        if self._stop <= 0:
            raise ValueError(f"it is cut off or not a whole file ({self._size:,} bytes)")
        known = self._size - len(end)
        self.tail = end[self._stop - known :] if self._stop >= known else self._read(self._stop, self._size)
        self._digests, rest = self.tail[: blocks * _DIGEST], self.tail[blocks * _DIGEST :]
        if not rest.startswith(_MARK):
            raise ValueError(f"it is cut off or not a whole file ({self._size:,} bytes)")
        found, footer = rest[len(_MARK) : len(_MARK) + _SUM], rest[len(_MARK) + _SUM :]
        if xxhash.xxh3_128_digest(self._digests + footer) != found:
            raise ValueError("its checksum is wrong")

    def _read(self, start: int, stop: int) -> bytes:
        self._file.seek(start)
        return self._file.read(stop - start)

    def readable(self) -> bool:
        """True: pyarrow asks before it reads."""
        return True

    def seekable(self) -> bool:
        """True: Parquet is read from its end."""
        return True

    def tell(self) -> int:
        """The place that is read next."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Sets the place that is read next."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """The bytes from here on, verified."""
        start, stop = self._at, self._size if size < 0 else min(self._at + size, self._size)
        self._at = max(start, stop)
        in_tail = self.tail[max(start - self._stop, 0) : max(stop - self._stop, 0)]
        end = min(stop, self._stop)
        if start >= end:
            return in_tail
        first, last = start // BLOCK, -(-end // BLOCK)
        content = self._last[2] if self._last[:2] == (first, last) else self._blocks(first, last)
        if last - first == 1:  # small parts of one block are read one after the other
            self._last = first, last, content
        return content[start - first * BLOCK : end - first * BLOCK] + in_tail

    def _blocks(self, first: int, last: int) -> bytes:
        content = self._read(first * BLOCK, min(last * BLOCK, self._stop))
        view = memoryview(content)
        found = [xxhash.xxh3_64_digest(view[at : at + BLOCK]) for at in range(0, len(content), BLOCK)]
        if b"".join(found) != self._digests[first * _DIGEST : last * _DIGEST]:
            raise ValueError("its checksum is wrong")
        return content


def sealed_json(content: object) -> bytes:
    """The content as JSON, with its checksum."""
    inner = orjson.dumps(content)
    return orjson.dumps({"content": orjson.Fragment(inner), "xxh3": xxhash.xxh3_128_hexdigest(inner)})


def read_sealed_json(sealed: bytes) -> Any:
    """The content; raises ValueError when it is not as it was written.

    >>> read_sealed_json(sealed_json([1, "a"]))
    [1, 'a']
    """
    found = orjson.loads(sealed)
    if not isinstance(found, dict) or found.keys() != {"content", "xxh3"}:
        raise ValueError("it is not a file of this version")
    if xxhash.xxh3_128_hexdigest(orjson.dumps(found["content"])) != found["xxh3"]:
        raise ValueError("its checksum is wrong")
    return found["content"]
