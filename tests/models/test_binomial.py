"""Exact bounds of shares, against SciPy's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from refinery.models.binomial import CONFIDENCE, Estimate, interval, upper_bound


@settings(max_examples=50)
@given(st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, min(n, 2000)), st.just(n))))
def test_the_bound_is_that_of_clopper_and_pearson(counts: tuple[int, int]) -> None:
    """Upper bounds and intervals are quantiles of beta distributions."""
    lost, documents = counts
    expected = beta.ppf(CONFIDENCE, lost + 1, documents - lost) if lost < documents else 1.0
    assert np.isclose(upper_bound(lost, documents), expected, rtol=1e-6)
    low, high = interval(lost, documents)
    assert np.isclose(low, beta.ppf(0.05, lost, documents - lost + 1) if lost else 0.0, atol=1e-9)
    assert lost == documents or np.isclose(high, beta.ppf(0.95, lost + 1, documents - lost), rtol=1e-6)


def test_an_estimate_reads_as_a_number_and_its_interval() -> None:
    """With three digits."""
    assert str(Estimate(0.91234, 0.8, 1)) == "0.912 (0.800 to 1.000)"
