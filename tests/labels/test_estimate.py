"""Shares from stratified samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from refinery.labels.estimate import shares


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_one_stratum_is_wilson(counts):
    """Of a plain sample the interval is the one that scipy gives."""
    hits, number = counts
    found = shares(np.array([[hits]]), np.array([[number - hits]]), np.ones(1), np.array([number])).at(0)
    expected = binomtest(hits, number).proportion_ci(0.95, method="wilson")
    assert (found.value, found.low, found.high) == pytest.approx((hits / number, *expected), abs=1e-9)


def test_four_thousand_drawn():
    """The counter of a review: 4,000 drawn, 96 % pass."""
    found = shares(np.array([[3840]]), np.array([[160]]), np.ones(1), np.array([4000])).at(0)
    assert (found.value, found.low, found.high) == pytest.approx((0.96, 0.9535, 0.9656), abs=1e-4)


def test_strata_count_by_their_documents():
    """9 of 10 in a stratum of 1,000 and 1 of 10 in one of 100: 910 of 1,100, a variance as Cochran's 5.9 has it."""
    weights, sizes = np.array([100.0, 10.0]), np.array([10, 10])
    found = shares(np.array([[9, 1]]), np.array([[1, 9]]), weights, sizes).at(0)
    share = 910 / 1100
    variance = sum((size / 1100) ** 2 * 0.9 * 0.1 / 9 for size in (1000, 100))
    number = min(1 + share * (1 - share) / variance, 1100**2 / (10 * 100**2 + 10 * 10**2))
    z = 1.96
    middle = (share + z**2 / 2 / number) / (1 + z**2 / number)
    half = z / (1 + z**2 / number) * (share * (1 - share) / number + z**2 / 4 / number**2) ** 0.5
    assert (found.value, found.low, found.high) == pytest.approx(
        (share, middle - half, middle + half), abs=1e-4
    )


def test_intervals_hold_the_truth():
    """Precision above a cut, by draws from strata of unlike sizes and shares: 95 of 100 intervals have it."""
    rng = np.random.default_rng(7)
    documents, sizes = np.array([5000, 3000, 1500, 500]), np.array([20, 30, 60, 90])
    kept, wanted = np.array([0.0, 0.5, 1.0, 1.0]), np.array([0.05, 0.3, 0.8, 0.97])
    truth = (documents * kept * wanted).sum() / (documents * kept).sum()
    above = rng.binomial(sizes, kept, size=(3000, 4))
    hits = rng.binomial(above, wanted)
    found = shares(hits, above - hits, documents / sizes, sizes)
    covered = ((found.low <= truth) & (truth <= found.high)).mean()
    assert 0.94 <= covered <= 0.98


def test_nothing_counted_is_unknown():
    """No document above a cut has no share."""
    assert np.isnan(shares(np.zeros((1, 2)), np.zeros((1, 2)), np.ones(2), np.array([5, 5])).at(0).value)
