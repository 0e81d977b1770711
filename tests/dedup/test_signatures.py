import hashlib

import numpy as np
from datasketch import MinHash as Oracle

from refinery.dedup.signatures import signatures_of_hashes


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
