"""Pages as streams."""

import io
import random

import pyarrow as pa
import pytest

from refinery.sources.page_stream import BLOCK_BYTES, Stream, file_blocks, unpacked

TEXT = "".join(random.Random(1).choices("abcdefgh é", k=BLOCK_BYTES + 70_000)).encode()


def test_a_stream_is_read_peeked_and_passed_over():
    """Across blocks; what is short is told, as `read` gives less."""
    stream = Stream(file_blocks(io.BytesIO(TEXT), 10, len(TEXT)))
    assert bytes(stream.peek(3)) == stream.exactly(3) == TEXT[10:13]
    stream.skip(BLOCK_BYTES)
    assert b"".join(stream.blocks(5)) == TEXT[BLOCK_BYTES + 13 :][:5]
    assert stream.read() == TEXT[BLOCK_BYTES + 18 :]
    assert stream.read(1) == b""
    for wrong in (stream.exactly, stream.skip):
        with pytest.raises(ValueError, match="ends early"):
            wrong(1)


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "brotli"])
def test_a_page_is_unpacked_in_blocks(codec):
    """As the codec does it at once; none is large."""
    packed = pa.compress(TEXT, codec, asbytes=True)
    blocks = list(unpacked(Stream(iter([packed[:5], packed[5:]])), codec.upper()))
    assert b"".join(blocks) == TEXT
    assert max(map(len, blocks)) <= BLOCK_BYTES


def test_what_is_no_stream_is_an_error():
    """A codec without one, and Snappy that refers to what was before a block."""
    with pytest.raises(ValueError, match="LZ4"):
        next(unpacked(Stream(iter([b""])), "LZ4"))
    across = (
        bytes([0x82, 0x80, 0x04]) + b"\xf4\xfe\xff" + b"a" * 65535 + b"\x0a\x01\x00"
    )  # a copy over 64 KiB
    with pytest.raises(ValueError, match="64 KiB"):
        list(unpacked(Stream(iter([across])), "SNAPPY"))
