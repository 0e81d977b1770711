"""64-bit hash of bytes, used to number tokens and lines within a document.

Strings of up to eight bytes and equal length never collide: for them it is a bijection. Longer ones do with
probability 2^-64 a pair, which the kernels accept as equality.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch

K1 = np.uint64(0x9E3779B97F4A7C15)  # golden ratio, and the multiplier of MurmurHash3's finaliser
K2 = np.uint64(0xC4CEB9FE1A85EC53)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(cache=True, nogil=True)
def mix(h):  # type: ignore[no-untyped-def]
    """Spreads a uint64 over all its bits; a bijection."""
    h = (h ^ (h >> np.uint64(32))) * K1
    h = (h ^ (h >> np.uint64(29))) * K2
    return h ^ (h >> np.uint64(32))


@njit(cache=True, nogil=True)
def fmix32(h):  # type: ignore[no-untyped-def]
    """Spreads a uint32 over all its bits, as MurmurHash3 ends; a bijection."""
    h ^= h >> np.uint32(16)
    h = np.uint32(h * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(13)
    h = np.uint32(h * np.uint32(0xC2B2AE35))
    return h ^ h >> np.uint32(16)


@njit(cache=True, nogil=True)
def eight(data, p):  # type: ignore[no-untyped-def]
    """data[p:p + 8], all within the array, as a little-endian uint64; compiles to one load."""
    q = np.uint64(p)  # unsigned, so that numba adds no test for negative indices
    x = np.uint64(data[q]) | np.uint64(data[q + np.uint64(1)]) << np.uint64(8)
    x |= np.uint64(data[q + np.uint64(2)]) << np.uint64(16) | np.uint64(data[q + np.uint64(3)]) << np.uint64(
        24
    )
    x |= np.uint64(data[q + np.uint64(4)]) << np.uint64(32) | np.uint64(data[q + np.uint64(5)]) << np.uint64(
        40
    )
    return (
        x
        | np.uint64(data[q + np.uint64(6)]) << np.uint64(48)
        | np.uint64(data[q + np.uint64(7)]) << np.uint64(56)
    )


@njit(cache=True, nogil=True)
def four(data, p):  # type: ignore[no-untyped-def]
    """data[p:p + 4], all within the array, as a little-endian uint64; compiles to one load."""
    q = np.uint64(p)
    x = np.uint64(data[q]) | np.uint64(data[q + np.uint64(1)]) << np.uint64(8)
    return (
        x
        | np.uint64(data[q + np.uint64(2)]) << np.uint64(16)
        | np.uint64(data[q + np.uint64(3)]) << np.uint64(24)
    )


@njit(cache=True, nogil=True)
def hash_short(x, size):  # type: ignore[no-untyped-def]
    """hash_bytes of the first 1 to 8 bytes of `eight`, or up to 4 of `four`."""
    h = mix(np.uint64(size) * K2 ^ (x & (_ALL >> np.uint64(64 - 8 * size))))
    return h if h != 0 else K1


@njit(cache=True, nogil=True)
def hash_bytes(data, start, end):  # type: ignore[no-untyped-def]
    """Hash (uint64, never 0) of data[start:end], which is not empty."""
    h = np.uint64(end - start) * K2
    p = start
    while end - p > 8:
        h = (h ^ eight(data, p)) * K1
        h ^= h >> np.uint64(32)
        p += 8
    if p + 8 <= len(data):
        x = eight(data, p) & (_ALL >> np.uint64(64 - 8 * (end - p)))
    else:
        x = np.uint64(0)
        for i in range(end - p):
            x |= np.uint64(data[p + i]) << np.uint64(8 * i)
    h = mix(h ^ x)
    return h if h != 0 else K1


def text_hashes(batch: TextBatch) -> NDArray[np.uint64]:
    """uint64 (texts,): hash_bytes of each text, 0 of an empty one."""
    hashes = np.empty(len(batch), np.uint64)
    _hash_texts(batch.data, batch.offsets, hashes)
    return hashes


@njit(cache=True, nogil=True)
def _hash_texts(data, offsets, hashes):  # type: ignore[no-untyped-def]
    """Fills in hash_bytes of each text (uint64), of an empty one 0."""
    for i in range(len(hashes)):
        hashes[i] = 0
        if offsets[i] < offsets[i + 1]:
            hashes[i] = hash_bytes(data, offsets[i], offsets[i + 1])
