"""Bounds of losses, against SciPy's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from refinery.filters.calibration.loss import least_documents, most_lost, token_bound
from refinery.models.binomial import upper_bound


@settings(max_examples=30)
@given(st.integers(1, 20_000), st.sampled_from([0.001, 0.01, 0.05, 0.3]))
def test_the_most_that_may_be_lost(documents: int, lose: float) -> None:
    """One document more than the most would have its bound above the share."""
    most = most_lost(documents, lose)
    assert most < 0 or upper_bound(most, documents) <= lose
    assert upper_bound(most + 1, documents) > lose
    assert (documents >= least_documents(lose)) == (most >= 0)


def test_the_bound_of_tokens_is_that_of_a_bootstrap() -> None:
    """The share of tokens that may be lost is near SciPy's percentile bound, above the share that was."""
    rng = np.random.default_rng(5)
    tokens, lost = rng.lognormal(6, 1, 3000).round(), rng.random(3000) < 0.02
    identities = rng.integers(0, 2**63, 3000).astype(np.uint64)
    found = token_bound(identities, tokens, lost).share()

    def share(tokens: np.ndarray, lost: np.ndarray, axis: int) -> np.ndarray:
        return (tokens * lost).sum(axis=axis) / tokens.sum(axis=axis)

    expected = bootstrap(
        (tokens, lost), share, paired=True, confidence_level=0.8, method="percentile", n_resamples=2000, rng=1
    )
    assert np.isclose(found, expected.confidence_interval.high, rtol=0.1)
    watched = token_bound(identities, tokens, np.zeros(3000, bool), np.flatnonzero(lost))
    assert watched.share(watched.lost(np.arange(int(lost.sum())))) == found
