"""Buckets of keys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from refinery.text.buckets import ROOM, in_bucket


@njit
def _ask(table, bucket, key):  # type: ignore[no-untyped-def]
    return in_bucket(table, np.uint64(bucket), np.uint32(key))


@given(
    keys=st.lists(st.sampled_from([0, 1, 7, 0x80000000, 0xFFFFFFFF]), min_size=ROOM, max_size=ROOM),
    numbers=st.lists(st.integers(0, 0xFFFFFFFF), min_size=ROOM, max_size=ROOM),
    bucket=st.integers(0, 2),
)
def test_a_look_finds_the_number_of_a_key(keys: list[int], numbers: list[int], bucket: int) -> None:
    """0 of a key that is not there; of a key that stands there twice the larger, so a number that is there."""
    table = np.full((3, 2 * ROOM), 7, np.uint32)
    table[bucket] = keys + numbers
    for key in (0, 1, 7, 9, 0x80000000, 0xFFFFFFFF):
        held = [number for one, number in zip(keys, numbers, strict=True) if one == key]
        assert _ask(table, bucket, key) == max(held, default=0)
