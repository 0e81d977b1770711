"""The machine instructions behind the fastText kernels, against plain Python."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from refinery.text.fasttext_machine import add_sixteen, high_product, load_eight, lowest_bit, space_bits


@njit
def read(data, position):
    return load_eight(data, position), space_bits(data, position)


@njit
def numbers(a, b):
    return high_product(a, b), lowest_bit(a)


@njit
def sums(rows, ids, count, total):
    add_sixteen(rows, ids, count, 0, total, 0)


@given(st.binary(min_size=64, max_size=90), st.integers(0, 26))
def test_eight_bytes_and_the_spaces_of_sixty_four(content, position):
    """Loads are little-endian; a bit is set for each of fastText's seven spaces."""
    position = min(position, len(content) - 64)
    data = np.frombuffer(content, np.uint8)
    eight, spaces = read(data, position)
    assert int(eight) == int.from_bytes(content[position : position + 8], "little")
    expected = [content[position + i] in b"\0\t\n\v\f\r " for i in range(64)]
    assert [bool(int(spaces) >> i & 1) for i in range(64)] == expected


@given(st.integers(1, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_high_product_and_lowest_bit(a, b):
    """Equal to Python's integers of any size."""
    high, lowest = numbers(np.uint64(a), np.uint64(b))
    assert int(high) == a * b >> 64
    assert int(lowest) == (a & -a).bit_length() - 1


@given(st.lists(st.integers(0, 9), max_size=7))
def test_rows_are_summed_in_one_order(ids):
    """Even and odd places apart, then together, in single precision: the same bits each time."""
    rows = np.random.default_rng(3).standard_normal((10, 16)).astype(np.float32)
    total = np.ones((1, 16), np.float32)
    parts = [np.zeros(16, np.float32), np.zeros(16, np.float32)]
    for place, number in enumerate(ids):
        parts[place % 2] = parts[place % 2] + rows[number]
    sums(rows, np.array(ids, np.uint32), len(ids), total)
    assert np.array_equal(total[0], np.float32(1) + (parts[0] + parts[1]))
