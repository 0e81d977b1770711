"""Kernels of MinHash: signatures, and the keys of their bands.

A signature is bit for bit that of datasketch 2.x, `MinHash(num_perm, seed, scheme="affine32")`, fed with the low
32 bits of the shingle hashes: h' = fmix32(h), value k = min over the shingles of (a_k * h' + b_k) mod 2^32. The loop
over permutations is what costs: it takes eight shingles at a time, so that a_k, b_k and the minimum are loaded once
for all of them, and LLVM makes vector instructions of it (8 or 16 permutations each).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.batch import TextBatch
from refinery.text.hashing import K1, K2, fmix32
from refinery.text.shingles import BLOCK, RING, classes, new_state, next_shingles, start_document

EMPTY = 0xFFFFFFFF  # datasketch's value of a signature that has seen nothing
LANES = 8  # shingles for which a permutation is loaded once


@cache
def permutations(num_perm: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """a (odd) and b, uint32 (num_perm,), as datasketch 2.x draws them for affine32."""
    generator = np.random.RandomState(seed)  # datasketch's generator: the values must be the same
    a = generator.randint(0, 2**31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = generator.randint(0, 2**32, num_perm, dtype=np.uint32)
    a.flags.writeable = b.flags.writeable = False
    return a, b


def signatures_of_keys(
    keys: TextBatch, num_perm: int, seed: int, words: int, chars: int, *, letters: bool = False
) -> tuple[NDArray[np.uint32], NDArray[np.int32]]:
    """Signatures, uint32 (documents, num_perm), and numbers of shingles, int32, of key texts (fold.key_texts)."""
    found = np.empty((len(keys), num_perm), np.uint32)
    counts = np.empty(len(keys), np.int32)
    sign_keys(
        keys.data,
        keys.offsets,
        *classes(letters=letters),
        words,
        chars,
        letters,
        *permutations(num_perm, seed),
        found,
        counts,
    )
    return found, counts


def signatures_of_hashes(
    hashes: NDArray[np.uint32], bounds: NDArray[np.int64], num_perm: int, seed: int
) -> NDArray[np.uint32]:
    """Signatures, uint32 (sets, num_perm), of ready shingle hashes: set i is `hashes[bounds[i]:bounds[i + 1]]`."""
    hashes, bounds = hashes.astype(np.uint32, copy=False).view(), bounds.astype(np.int64, copy=False).view()
    hashes.flags.writeable = bounds.flags.writeable = False
    found = np.empty((len(bounds) - 1, num_perm), np.uint32)
    sign_hashes(hashes, bounds, *permutations(num_perm, seed), found)
    return found


@njit(cache=True, nogil=True)
def sign_keys(data, offsets, stage1, stage2, words, chars, letters, a, b, found, counts):  # type: ignore[no-untyped-def]
    """Row i of `found` becomes the signature of key text i, counts[i] its number of shingles."""
    state, rolling, ring, heavy, powers = new_state()
    block = np.empty(BLOCK + RING, np.uint64)
    mixed = np.empty(BLOCK + RING + LANES, np.uint32)
    for document in range(offsets.shape[0] - 1):
        signature = found[document]
        signature[:] = EMPTY
        start_document(state, rolling, offsets[document])
        total, count = 0, BLOCK
        while count >= BLOCK:
            count = next_shingles(
                data,
                offsets[document + 1],
                stage1,
                stage2,
                words,
                chars,
                letters,
                state,
                rolling,
                ring,
                heavy,
                powers,
                block,
            )
            for index in range(count):
                mixed[index] = np.uint32(block[index] & np.uint64(EMPTY))
            update(signature, mixed, count, a, b)
            total += count
        counts[document] = min(total, 0x7FFFFFFF)


@njit(cache=True, nogil=True)
def sign_hashes(hashes, bounds, a, b, found):  # type: ignore[no-untyped-def]
    """Row i of `found` becomes the signature of the set hashes[bounds[i]:bounds[i + 1]]."""
    mixed = np.empty(BLOCK + LANES, np.uint32)
    for document in range(bounds.shape[0] - 1):
        signature = found[document]
        signature[:] = EMPTY
        start = bounds[document]
        while start < bounds[document + 1]:
            count = min(bounds[document + 1] - start, BLOCK)
            for index in range(count):
                mixed[index] = hashes[start + index]
            update(signature, mixed, count, a, b)
            start += count


@njit(cache=True, nogil=True)
def update(signature, mixed, count, a, b):  # type: ignore[no-untyped-def]
    """Lowers `signature` by `mixed[:count]`, raw hashes, which are overwritten; needs room for LANES more."""
    if count == 0:
        return
    for index in range(count):
        mixed[index] = fmix32(mixed[index])
    for index in range(count, (count + LANES - 1) // LANES * LANES):
        mixed[index] = mixed[0]  # a repeated element changes no minimum
    for start in range(0, count, LANES):
        _lower(
            signature, a, b, mixed[start], mixed[start + 1], mixed[start + 2], mixed[start + 3],
            mixed[start + 4], mixed[start + 5], mixed[start + 6], mixed[start + 7],
        )  # fmt: skip


@njit(cache=True, nogil=True)
def _lower(signature, a, b, h0, h1, h2, h3, h4, h5, h6, h7):  # type: ignore[no-untyped-def]
    for k in range(signature.shape[0]):
        m, n = a[k], b[k]
        low = min(np.uint32(m * h0 + n), np.uint32(m * h1 + n))
        low = min(low, np.uint32(m * h2 + n), np.uint32(m * h3 + n))
        low = min(low, np.uint32(m * h4 + n), np.uint32(m * h5 + n))
        low = min(low, np.uint32(m * h6 + n), np.uint32(m * h7 + n))
        signature[k] = min(signature[k], low)


@njit(cache=True, nogil=True)
def band_keys(signatures, firsts, rows):  # type: ignore[no-untyped-def]
    """uint64 (documents, bands): hash of `rows` values from column firsts[band] on, and of the band's number.

    signatures: uint32 (documents, num_perm), read-only; firsts: int64 (bands,).
    """
    keys = np.empty((signatures.shape[0], firsts.shape[0]), np.uint64)
    for document in range(signatures.shape[0]):
        for band in range(firsts.shape[0]):
            h = np.uint64(band + 1) * K2
            for index in range(firsts[band], firsts[band] + rows):
                h = (h ^ np.uint64(signatures[document, index])) * K1
                h ^= h >> np.uint64(32)
            h = (h ^ h >> np.uint64(29)) * K2
            keys[document, band] = h ^ h >> np.uint64(32)
    return keys
