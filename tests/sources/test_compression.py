import bz2
import gzip
import io
import lzma
import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.compression import DamagedError, blocks, is_compressed

COMPRESSORS = {"gzip": gzip.compress, "zstd": zstandard.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("name", COMPRESSORS)
def test_any_number_of_members_is_read(name):
    """Two members or frames give the content of both; padding with zeros is no member."""
    compress = COMPRESSORS[name]
    data = compress(b"one " * 1000) + compress(b"") + compress(b"two")
    assert is_compressed(data[:8])
    assert b"".join(blocks(io.BytesIO(data))) == b"one " * 1000 + b"two"
    assert b"".join(blocks(io.BytesIO(data + b"\0" * 100))) == b"one " * 1000 + b"two"


def test_plain_content_is_read_from_a_byte_on():
    """No copy of the beginning."""
    assert b"".join(blocks(io.BytesIO(b"plain text"), 6)) == b"text"
    assert b"".join(blocks(io.BytesIO(b""))) == b""


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(COMPRESSORS)), kept=st.floats(0.2, 0.999), seed=st.integers(0, 5))
def test_a_cut_off_file_gives_its_beginning_and_an_error(name, kept, seed):
    """What was decoded is a prefix of the content, and the end is an error, never silence."""
    content = "".join(f"{n * 7919 % 100_003} " for n in range(seed * 100, 20_000)).encode()
    whole = COMPRESSORS[name](content)
    out = b""
    with pytest.raises(DamagedError, match=r"ends early|damaged"):
        for block in blocks(io.BytesIO(whole[: int(len(whole) * kept)])):
            out += block
    assert content.startswith(out)


def test_a_damaged_file_is_an_error():
    """A flipped byte that gzip's checksum notices, and something else after the data."""
    whole = bytearray(gzip.compress(b"some text " * 1000))
    whole[-6] ^= 0xFF
    with pytest.raises(DamagedError, match="damaged"):
        list(blocks(io.BytesIO(bytes(whole))))
    with pytest.raises(DamagedError, match="something else"):
        list(blocks(io.BytesIO(gzip.compress(b"x") + b"garbage garbage")))


def test_skippable_zstd_frames_hold_no_data():
    """RFC 8878, 3.1.2: pzstd and seekable zstd write them."""
    skippable = struct.pack("<II", 0x184D2A50, 3) + b"abc"
    data = zstandard.compress(b"one") + skippable + zstandard.compress(b"two") + skippable
    assert b"".join(blocks(io.BytesIO(data))) == b"onetwo"


def test_steps_are_bounded():
    """Data that compresses extremely well comes in many blocks, not in one."""
    data = gzip.compress(b"\0" * (64 * 2**20))
    sizes = [len(block) for block in blocks(io.BytesIO(data))]
    assert sum(sizes) == 64 * 2**20
    assert max(sizes) < 20 * 2**20
