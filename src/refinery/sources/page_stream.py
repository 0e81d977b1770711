"""The bytes of a Parquet page as a stream, unpacked too: a page of any size is looked into in little memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

BLOCK_BYTES = 2**20
_STREAMED = {"GZIP": "gzip", "ZSTD": "zstd", "BROTLI": "brotli"}


class Stream:
    """Blocks as a file to read from."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = memoryview(b"")

    def peek(self, size: int) -> memoryview:
        """The next bytes, fewer at the end, which stay."""
        if len(self._held) < size:
            pieces = [bytes(self._held)]
            have = len(self._held)
            while have < size and (block := next(self._blocks, b"")):
                pieces.append(block)
                have += len(block)
            self._held = memoryview(b"".join(pieces))
        return self._held[:size]

    def read(self, size: int = -1) -> bytes:
        """As many bytes, fewer at the end."""
        if size < 0:
            return b"".join(self.rest())
        content = bytes(self.peek(size))
        self._held = self._held[len(content) :]
        return content

    def exactly(self, size: int) -> bytes:
        """As many bytes; raises ValueError when there are fewer."""
        content = self.read(size)
        if len(content) < size:
            raise ValueError("a page ends early")
        return content

    def blocks(self, size: int) -> Iterator[bytes]:
        """So many bytes in blocks, fewer at the end."""
        while size > 0 and (content := self.read(min(size, BLOCK_BYTES))):
            size -= len(content)
            yield content

    def skip(self, size: int) -> None:
        """Passes over so many bytes; raises ValueError when there are fewer."""
        if sum(map(len, self.blocks(size))) < size:
            raise ValueError("a page ends early")

    def rest(self) -> Iterator[bytes]:
        """All that is left."""
        held, self._held = bytes(self._held), memoryview(b"")
        yield held
        yield from self._blocks

    def close(self) -> None:
        """Nothing is held open."""


def file_blocks(source: Any, start: int, stop: int) -> Iterator[bytes]:
    """The bytes of a file from one place to another."""
    while start < stop:
        source.seek(start)
        block = bytes(source.read(min(BLOCK_BYTES, stop - start)))
        if not block:
            return
        start += len(block)
        yield block


def unpacked(packed: Stream, codec: str) -> Iterator[bytes]:
    """What a page's bytes unpack to, in blocks; raises ValueError for what cannot be unpacked as a stream."""
    if codec == "SNAPPY":
        yield from _snappy(packed)
        return
    if codec not in _STREAMED:
        raise ValueError(f"{codec} is not unpacked as a stream")
    with pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), _STREAMED[codec]) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _snappy(packed: Stream) -> Iterator[bytes]:
    from refinery.text.snappy import BLOCK, PACKED_BLOCK, block_end  # brings in Numba

    codec, left, shift = pa.Codec("snappy"), 0, 0
    more = True
    while more:
        byte = packed.exactly(1)[0]
        left, shift, more = left | (byte & 127) << shift, shift + 7, byte > 127
    while left:
        size = min(BLOCK, left)
        window = packed.peek(PACKED_BLOCK)
        end = block_end(np.frombuffer(window, np.uint8), size)
        if end < 0:
            raise ValueError("not written in blocks of 64 KiB")
        length = bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])
        yield codec.decompress(length + packed.exactly(end), size, asbytes=True)
        left -= size
