"""Signatures of texts as objects of datasketch."""

import numpy as np
from datasketch import MinHash, MinHashLSH

import refinery
from refinery.text.batch import TextBatch
from refinery.text.shingles import shingle_sets
from tests.conftest import chinese_document, document


def test_they_are_datasketchs_bit_for_bit():
    """Each is equal to a MinHash that datasketch makes of the same shingles, and goes on as one."""
    texts = [document(1), chinese_document(2), "too short"]
    hashes, bounds = shingle_sets(TextBatch.from_texts(texts), 5, 8)
    for number, found in enumerate(refinery.minhash(texts, num_perm=64, seed=3)):
        own = MinHash(num_perm=64, seed=3, scheme="affine32", hashfunc=int)
        shingles = (hashes[bounds[number] : bounds[number + 1]] & np.uint64(0xFFFFFFFF)).tolist()
        own.update_batch(shingles)
        assert found == own
        assert found.is_empty() == (not shingles)
        found.merge(own)
        assert found == own


def test_an_index_takes_them():
    """datasketch's MinHashLSH finds a near copy by them; a text that is NULL has an empty one."""
    one, other, nothing = refinery.minhash([document(1, 30), document(2, 30), None])
    index = MinHashLSH(threshold=0.8, num_perm=112)
    index.insert("one", one)
    index.insert("other", other)
    (near,) = refinery.minhash([document(1, 30) + " And more."])
    assert index.query(near) == ["one"]
    assert nothing.is_empty()
