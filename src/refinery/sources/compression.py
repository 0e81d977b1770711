"""Decompressing a stream in bounded steps: any number of members or frames, and what a cut-off file still holds."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any, BinaryIO

import zstandard

from refinery.storage.place import open_input

BLOCK = 2**20
_FEED = 16 * 2**10  # a small step in keeps the step out bounded, however well the data compresses
_MAGIC: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"\x28\xb5\x2f\xfd": lambda: zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj(),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lzma.LZMADecompressor,
}
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)  # zstd frames that hold no data (RFC 8878, 3.1.2)
_DAMAGE = (zlib.error, zstandard.ZstdError, OSError, lzma.LZMAError, ValueError)


class DamagedError(Exception):
    """A compressed stream ends early or is damaged; everything before has been given."""


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is compressed in a way that `blocks` reads."""
    return _opener(head) is not None


def head(path: str, raw: bytes, size: int) -> bytes:
    """The first `size` bytes of the content of a file that begins with `raw`, fewer where it ends or is damaged.

    The file is opened only if it is compressed. Raises OSError.
    """
    if not is_compressed(raw):
        return raw[:size]
    content = b""
    with closing(open_input(path)) as file, suppress(DamagedError):  # what reads the file tells
        for block in blocks(file):
            content += block
            if len(content) >= size:
                break
    return content[:size]


def blocks(file: BinaryIO, start: int = 0) -> Iterator[bytes]:
    """The content of a file, decompressed if its first bytes say so, in blocks; from byte `start` if it is plain.

    Raises DamagedError, after the last good block, when a compressed file is cut off or damaged.
    """
    file.seek(0)
    head = file.read(8)
    file.seek(start)
    if _opener(head) is not None:
        yield from _decompressed(file)
        return
    while block := file.read(BLOCK):
        yield block


def _decompressed(file: BinaryIO) -> Iterator[bytes]:
    pending = b""
    more = True
    while True:
        while more and len(pending) < 8:
            data = file.read(BLOCK)
            pending, more = pending + data, bool(data)
        if not pending.strip(b"\0"):  # padding after the last member
            return
        if int.from_bytes(pending[:4], "little") in _SKIPPABLE and len(pending) >= 8:
            pending = _skip(file, pending)
            continue
        opener = _opener(pending)
        if opener is None:
            raise DamagedError("there is something else after the compressed data")
        member = opener()
        while not member.eof:
            if not pending:
                pending = file.read(BLOCK)
                if not pending:
                    raise DamagedError("the compressed data ends early")
            feed, pending = pending[:_FEED], pending[_FEED:]
            try:
                out = member.decompress(feed)
            except _DAMAGE as error:
                raise DamagedError(f"the compressed data is damaged: {error}") from None
            if out:
                yield out
        pending = (member.unused_data or b"") + pending


def _skip(file: BinaryIO, pending: bytes) -> bytes:
    length = 8 + int.from_bytes(pending[4:8], "little")
    while len(pending) < length:
        data = file.read(BLOCK)
        if not data:
            raise DamagedError("the compressed data ends early")
        pending += data
    return pending[length:]


def _opener(head: bytes) -> Callable[[], Any] | None:
    return next((opener for magic, opener in _MAGIC.items() if head.startswith(magic)), None)
