import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from refinery.text.machine_bits import count_bits, graphic_bits, lead_bits, lower_bits, mark_bits, upper_bits


@njit
def read(data, position):
    upper, lower = upper_bits(data, position), lower_bits(data, position)
    return upper, lower, graphic_bits(data, position), mark_bits(data, position), lead_bits(data, position)


@njit
def count(bits):
    return count_bits(bits)


@given(st.binary(min_size=64, max_size=90), st.integers(0, 26))
def test_a_bit_is_set_for_each_byte_of_a_kind(content, position):
    """Every kind against Python's own character classes, at any place."""
    position = min(position, len(content) - 64)
    found = read(np.frombuffer(content, np.uint8), position)
    kinds = (
        lambda byte: byte < 128 and chr(byte).isupper(),
        lambda byte: byte < 128 and chr(byte).islower(),
        lambda byte: 32 < byte < 127,
        lambda byte: byte in b"'-",
        lambda byte: byte >= 0xC0,
    )
    for bits, kind in zip(found, kinds, strict=True):
        expected = [kind(content[position + i]) for i in range(64)]
        assert [bool(int(bits) >> i & 1) for i in range(64)] == expected


@given(st.integers(0, 2**64 - 1))
def test_bits_are_counted(bits):
    """All 64 of them."""
    assert count(np.uint64(bits)) == bits.bit_count()
