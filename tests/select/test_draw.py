"""Draws without replacement by weight."""

import math

import numpy as np
import pyarrow as pa
from scipy import stats

from refinery.select.draw import drawn, gumbel
from refinery.shuffle.partition import hash_numbers

IDENTITIES = hash_numbers(np.arange(20_000))


def test_noise_is_gumbel():
    """By a test of Kolmogorov and Smirnov, for several seeds; the same identity, the same noise."""
    for seed in (1, 2, 3):
        assert stats.kstest(gumbel(seed, IDENTITIES), stats.gumbel_r.cdf).pvalue > 0.001
    assert np.array_equal(gumbel(1, IDENTITIES[5:9]), gumbel(1, IDENTITIES)[5:9])
    assert not np.array_equal(gumbel(1, IDENTITIES), gumbel(2, IDENTITIES))


def test_the_first_is_drawn_in_proportion_to_its_weight():
    """exp(score / temperature) of three documents, over many draws."""
    weights = np.array([1.0, 2.0, 7.0])
    temperature = 0.5
    scores = pa.chunked_array([pa.array(np.log(weights) * temperature)])
    counts = np.zeros(3)
    for draw in range(6000):
        at = slice(3 * draw, 3 * draw + 3)
        identities = hash_numbers(np.arange(at.start, at.stop))
        noisy = drawn(scores, identities, temperature=temperature, seed=1, low=False)
        counts[int(np.argmax(noisy.to_numpy()))] += 1
    assert stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > 0.001


def test_low_scores_can_weigh_more():
    """As the negative scores do; NULL stays NULL."""
    scores = pa.chunked_array([pa.array([3.0, None, -1.0])])
    low = drawn(scores, IDENTITIES[:3], temperature=2, seed=1, low=True).to_pylist()
    noise = gumbel(1, IDENTITIES[:3])
    assert low[1] is None
    assert math.isclose(low[0], -1.5 + noise[0])
    assert math.isclose(low[2], 0.5 + noise[2])
