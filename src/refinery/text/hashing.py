"""64-bit hash of bytes, used to number tokens and lines within a document.

Strings of up to eight bytes and equal length never collide: for them it is a bijection. Longer ones do with
probability 2^-64 a pair, which the kernels accept as equality.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_K1 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio, and the multiplier of MurmurHash3's finaliser
_K2 = np.uint64(0xC4CEB9FE1A85EC53)


@njit(cache=True, nogil=True)
def mix(h):  # type: ignore[no-untyped-def]
    """Spreads a uint64 over all its bits; a bijection."""
    h = (h ^ (h >> np.uint64(32))) * _K1
    h = (h ^ (h >> np.uint64(29))) * _K2
    return h ^ (h >> np.uint64(32))


@njit(cache=True, nogil=True)
def hash_bytes(data, start, end):  # type: ignore[no-untyped-def]
    """Hash (uint64, never 0) of data[start:end]."""
    h = np.uint64(end - start) * _K2
    p = start
    while end - p >= 8:
        x = np.uint64(data[p]) | np.uint64(data[p + 1]) << np.uint64(8)
        x |= np.uint64(data[p + 2]) << np.uint64(16) | np.uint64(data[p + 3]) << np.uint64(24)
        x |= np.uint64(data[p + 4]) << np.uint64(32) | np.uint64(data[p + 5]) << np.uint64(40)
        x |= np.uint64(data[p + 6]) << np.uint64(48) | np.uint64(data[p + 7]) << np.uint64(56)
        h = (h ^ x) * _K1
        h ^= h >> np.uint64(32)
        p += 8
    x = np.uint64(0)
    while p < end:
        x = x << np.uint64(8) | np.uint64(data[p])
        p += 1
    h = mix(h ^ x)
    return h if h != 0 else _K1
