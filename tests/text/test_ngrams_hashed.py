from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from refinery.text.batch import TextBatch
from refinery.text.hashing import mix
from refinery.text.ngrams_hashed import weigh_ngrams

M = 2**64


def _hash(word: str) -> int:
    """The package's 64-bit hash of bytes, in plain integers."""
    k1, k2 = 0x9E3779B97F4A7C15, 0xC4CEB9FE1A85EC53
    data = word.encode()
    h = len(data) * k2 % M
    while len(data) > 8:
        h = (h ^ int.from_bytes(data[:8], "little")) * k1 % M
        h ^= h >> 32
        data = data[8:]
    return _mix(h ^ int.from_bytes(data, "little")) or k1


def _mix(h: int) -> int:
    h = (h ^ h >> 32) * 0x9E3779B97F4A7C15 % M
    h = (h ^ h >> 29) * 0xC4CEB9FE1A85EC53 % M
    return h ^ h >> 32


def buckets(words: list[str], number: int) -> list[int]:
    """Buckets of all words and pairs of neighbours."""
    hashes = [_hash(word) for word in words]
    pairs = [_mix(a * 0x9E3779B97F4A7C15 % M ^ b) for a, b in pairwise(hashes)]
    return [h % number for h in hashes + pairs]


@given(texts=st.lists(st.lists(st.text("abé字", min_size=1, max_size=20)), max_size=5))
def test_words_and_pairs_are_counted(texts: list[list[str]]) -> None:
    """Counts by bucket, weights by document, words by document: as counted in plain Python."""
    batch = TextBatch.from_texts([" ".join(words) for words in texts])
    weights = np.random.default_rng(1).normal(size=101)
    weights.flags.writeable = False
    totals, tokens, counts = np.empty(len(texts)), np.empty(len(texts), np.int64), np.zeros(101, np.int64)
    weigh_ngrams(batch.data, batch.offsets, weights, totals, tokens, counts)
    expected = [buckets(words, 101) for words in texts]
    assert tokens.tolist() == [len(words) for words in texts]
    assert np.allclose(totals, [sum(weights[b] for b in found) for found in expected])
    assert np.array_equal(counts, np.bincount([b for found in expected for b in found], minlength=101)[:101])


def test_the_plain_hash_is_the_packages() -> None:
    """The reference above mixes as refinery.text.hashing does."""
    assert int(mix(np.uint64(12345))) == _mix(12345)
