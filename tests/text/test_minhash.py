import hashlib

import numpy as np
from datasketch import MinHash as Oracle

from refinery.text.minhash import band_keys, signatures_of_hashes


def oracle(hashes: list[int]) -> Oracle:
    sketch = Oracle(num_perm=112, seed=1, scheme="affine32", hashfunc=int)
    sketch.update_batch(hashes)
    return sketch


def test_signatures_of_ready_hashes_are_datasketchs():
    """Sets of every size around the kernel's steps, the empty set too."""
    generator = np.random.default_rng(1)
    sizes = [0, 1, 7, 8, 9, 1023, 1024, 1025, 3000]
    hashes = generator.integers(0, 2**32, sum(sizes), dtype=np.uint32)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    found = signatures_of_hashes(hashes, bounds, 112, 1)
    for i in range(len(sizes)):
        assert (found[i] == oracle(hashes[bounds[i] : bounds[i + 1]].tolist()).hashvalues).all()


def test_datasketchs_test_vector():
    """A vector computed with datasketch 2.0.0: the SHA-1 hashes of b"hello" and b"world", four permutations."""
    hashes = np.array(
        [int.from_bytes(hashlib.sha1(word).digest()[:4], "little") for word in (b"hello", b"world")],
        np.uint32,
    )
    found = signatures_of_hashes(hashes, np.array([0, 2]), 4, 1)
    assert found.tolist() == [[625790555, 194865109, 1355773502, 1324736089]]


def test_band_keys_are_equal_exactly_when_the_values_and_the_band_are():
    """Documents share a band's key when its rows are equal; different bands never share one."""
    generator = np.random.default_rng(1)
    matrix = generator.integers(0, 3, (200, 12), dtype=np.uint32)
    matrix.flags.writeable = False
    keys = band_keys(matrix, np.arange(4) * 3, 3)
    for band in range(4):
        values = {tuple(row[band * 3 : band * 3 + 3].tolist()) for row in matrix}
        assert len(set(keys[:, band].tolist())) == len(values)
    assert len(set(keys.reshape(-1).tolist())) == sum(len(set(keys[:, band].tolist())) for band in range(4))


def test_two_hashes_of_a_whole_signature_are_different():
    """The same columns under two numbers make the two halves of a 128-bit hash."""
    matrix = np.arange(24, dtype=np.uint32).reshape(2, 12)
    matrix.flags.writeable = False
    keys = band_keys(matrix, np.zeros(2, np.int64), 12)
    assert len(set(keys.reshape(-1).tolist())) == 4
