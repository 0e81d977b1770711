"""Where the blocks of Snappy's raw form end."""

import random

import numpy as np
import pyarrow as pa
import pytest

from refinery.text.snappy import BLOCK, PACKED_BLOCK, block_end


@pytest.mark.parametrize("alphabet", ["a", "ab", "".join(map(chr, range(32, 127)))])
def test_a_block_is_unpacked_alone(alphabet):
    """Its bytes, after the length of the whole, are those that Snappy makes of 64 KiB alone."""
    text = "".join(random.Random(1).choices(alphabet, k=BLOCK + 1000)).encode()
    packed = pa.compress(text, "snappy", asbytes=True)[3:]
    end = block_end(np.frombuffer(packed, np.uint8), BLOCK)
    assert packed[:end] == pa.compress(text[:BLOCK], "snappy", asbytes=True)[3:]
    assert 0 < end <= PACKED_BLOCK
    assert block_end(np.frombuffer(packed[end:], np.uint8), 1000) == len(packed) - end


@pytest.mark.parametrize("packed", [b"", b"\xf0", b"\xf4\x01", b"\x08abc", b"\x0cab"])
def test_what_ends_elsewhere_has_no_end(packed):
    """Cut off in a tag or in what follows it, or a tag across the end: nothing beyond the bytes is read."""
    assert block_end(np.frombuffer(packed, np.uint8), 2) == -1
