"""Hashed n-grams of prepared text, as DSIR counts them: unigrams and bigrams of words in a fixed number of buckets.

Source: Xie et al. 2023, "Data Selection for Language Models via Importance Resampling" (arXiv 2302.03169), and
p-lambda/dsir, data_selection/hashed_ngram_dsir.py: 10 000 buckets, n = 2. DSIR hashes with SHA-256; any hash that
spreads evenly does, here the package's own.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from refinery.text.hashing import hash_bytes, mix

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def weigh_ngrams(data, offsets, weights, totals, tokens, counts):  # type: ignore[no-untyped-def]
    """Per document the sum of its n-grams' weights and its number of words; counts n-grams by bucket over all.

    data, offsets: prepared text, words separated by single spaces. weights: float64 (buckets); totals: float64
    (documents); tokens: int64 (documents); counts: int64 (buckets), added to.
    """
    buckets = np.uint64(len(weights))
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        total, words, before = 0.0, 0, np.uint64(0)
        while position < end:
            start = position
            while position < end and data[position] != 32:
                position += 1
            word = hash_bytes(data, start, position)
            position += 1
            bucket = np.int64(word % buckets)
            total += weights[bucket]
            counts[bucket] += 1
            if words:
                bucket = np.int64(mix(before * _FACTOR ^ word) % buckets)
                total += weights[bucket]
                counts[bucket] += 1
            before = word
            words += 1
        totals[document] = total
        tokens[document] = words
