"""Decompressing a stream in bounded steps: any number of members or frames, and what a cut-off file still holds.

What is compressed is told by its first bytes, below a first compression too: gzip in gzip is two layers.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, BinaryIO

import zstandard

from refinery.storage.place import open_input

BLOCK = 2**20
_FEED = 16 * 2**10  # a small step in keeps the step out bounded, however well the data compresses
_LAYERS = 3  # of compression around one another
MAGIC = 18  # bytes, the longest header that is looked at: a zstd frame's
_DICTIONARY_BYTES = 64 * 2**20
_ZSTD_DICTIONARY = b"\x37\xa4\x30\xec"
_DAMAGE = (zlib.error, zstandard.ZstdError, OSError, lzma.LZMAError, ValueError, RuntimeError)


class DamagedError(Exception):
    """A compressed stream ends early or is damaged; everything before has been given."""


class NoDictionaryError(DamagedError):
    """A zstd stream was made with a dictionary that it does not hold: nothing of it can be read."""


def is_compressed(head: bytes) -> bool:
    """Whether a file that begins so is compressed in a way that `blocks` reads."""
    return _COMPRESSED.match(head) is not None


def blocks(file: BinaryIO, start: int = 0) -> Iterator[bytes]:
    """The content of a file, decompressed if its first bytes say so, in blocks; from byte `start` if it is plain.

    Raises DamagedError, after the last good block, when a compressed file is cut off or damaged.
    """
    file.seek(0)
    head = file.read(MAGIC)
    file.seek(start)
    plain = iter(lambda: file.read(BLOCK), b"")
    yield from _unpacked(plain, _LAYERS) if is_compressed(head) else plain


def head(path: str, raw: bytes, size: int) -> bytes:
    """The first `size` bytes of the content of a file that begins with `raw`, fewer where it ends or is damaged.

    The file is opened only if it is compressed. Raises NoDictionaryError when it will never be read, and OSError.
    """
    if not is_compressed(raw):
        return raw[:size]
    content = b""
    with closing(open_input(path)) as file:
        try:
            for block in blocks(file):
                content += block
                if len(content) >= size:
                    break
        except NoDictionaryError:
            raise
        except DamagedError:  # what reads the file tells
            pass
    return content[:size]


class _Stream:
    """Blocks as bytes that can be looked at before they are taken, and given back."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._held = b""
        self._at = 0

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        while len(self._held) - self._at < size and (block := next(self._blocks, b"")):
            self._held, self._at = self._held[self._at :] + block, 0
        return self._held[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        """At least one byte and at most `size`; none at the end."""
        if self._at == len(self._held):
            self._held, self._at = next(self._blocks, b""), 0
        taken = self._held[self._at : self._at + size]
        self._at += len(taken)
        return taken

    def give_back(self, taken: bytes) -> None:
        """Puts bytes before those that come next."""
        self._held, self._at = taken + self._held[self._at :], 0

    def skip_zeros(self) -> None:
        """Goes on to the next byte that is not 0."""
        while taken := self.take(BLOCK):
            if rest := taken.lstrip(b"\0"):
                self.give_back(rest)
                return

    def exactly(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes in pieces; raises DamagedError when they are not there."""
        while size:
            taken = self.take(size)
            if not taken:
                raise DamagedError("the compressed data ends early")
            size -= len(taken)
            yield taken


def _unpacked(blocks: Iterable[bytes], layers: int) -> Iterator[bytes]:
    stream = _Stream(blocks)
    if not is_compressed(stream.peek(MAGIC)):
        while block := stream.take(BLOCK):
            yield block
    elif layers:
        yield from _unpacked(_decompressed(stream), layers - 1)
    else:
        raise DamagedError(f"it is compressed more than {_LAYERS} times over")


def _decompressed(stream: _Stream) -> Iterator[bytes]:
    dictionary: zstandard.ZstdCompressionDict | None = None
    first = True
    while begin := stream.peek(MAGIC):
        codec = _codec(begin)
        if codec is None:
            raise DamagedError("there is something else after the compressed data")
        if codec is _skippable:
            held = _skipped(stream, first=first)
            dictionary = dictionary or held
        else:
            yield from _member(stream, _zstd_frame(begin, dictionary) if codec is _zstd else codec())
        first = False
        stream.skip_zeros()  # members may be padded to whole blocks, as on tapes


def _member(stream: _Stream, member: Any) -> Iterator[bytes]:
    while not member.eof:
        feed = stream.take(_FEED)
        if not feed:
            raise DamagedError("the compressed data ends early")
        try:
            out = member.decompress(feed)
        except _DAMAGE as error:
            raise DamagedError(f"the compressed data is damaged: {error}") from None
        if out:
            yield out
    stream.give_back(member.unused_data or b"")


def _skipped(stream: _Stream, *, first: bool) -> zstandard.ZstdCompressionDict | None:
    """Passes over a frame without data; the first one may hold the dictionary of those that follow.

    So it is in .warc.zst files: https://iipc.github.io/warc-specifications/specifications/warc-zstd/
    """
    header = b"".join(stream.exactly(8))
    size = int.from_bytes(header[4:], "little")
    pieces = stream.exactly(size)
    if not (first and header[:4] == b"\x5d\x2a\x4d\x18" and size <= _DICTIONARY_BYTES):
        for _ in pieces:
            pass
        return None
    held = b"".join(pieces)
    if _codec(held) is _zstd:
        held = _Stream(_decompressed(_Stream([held]))).peek(_DICTIONARY_BYTES)
    return zstandard.ZstdCompressionDict(held) if held.startswith(_ZSTD_DICTIONARY) else None


def _zstd_frame(begin: bytes, dictionary: zstandard.ZstdCompressionDict | None) -> Any:
    try:
        asked = zstandard.get_frame_parameters(begin).dict_id
        if not asked or (dictionary is not None and dictionary.dict_id() == asked):
            return _zstd(dictionary)
    except zstandard.ZstdError as error:  # the header of the frame, or the dictionary
        raise DamagedError(f"the compressed data is damaged: {error}") from None
    raise NoDictionaryError(
        f"it is compressed with the zstd dictionary {asked}, which is not in the file; "
        "decompress it with `zstd -d -D DICTIONARY`"
    )


def _zstd(dictionary: zstandard.ZstdCompressionDict | None = None) -> Any:
    return zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=2**31).decompressobj()


def _lz4() -> Any:
    from lz4.frame import LZ4FrameDecompressor

    return LZ4FrameDecompressor()


def _skippable() -> None:
    """Of zstd and lz4 alike: a frame that holds no data (RFC 8878, 3.1.2), as pzstd writes one first."""


_CODECS: tuple[tuple[re.Pattern[bytes], Callable[..., Any]], ...] = (
    (re.compile(rb"\x1f\x8b"), lambda: zlib.decompressobj(wbits=31)),
    (re.compile(rb"\x28\xb5\x2f\xfd"), _zstd),
    (re.compile(rb"\x04\x22\x4d\x18"), _lz4),
    (re.compile(rb"[\x50-\x5f]\x2a\x4d\x18"), _skippable),
    (re.compile(rb"BZh[1-9](?:1AY&|\x17rE8)"), bz2.BZ2Decompressor),  # a text may begin with BZh
    (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMADecompressor),
)
_COMPRESSED = re.compile(b"|".join(magic.pattern for magic, _ in _CODECS))


def _codec(begin: bytes) -> Callable[..., Any] | None:
    return next((codec for magic, codec in _CODECS if magic.match(begin)), None)
