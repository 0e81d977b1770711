import numpy as np
import pytest
from scipy.stats import binom

from refinery.dedup.verify import agreement, candidate_count, certain_count, estimate


@pytest.mark.parametrize("num_perm", [16, 112, 256, 1024])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_certain_is_where_the_binomial_tail_is_a_billionth(threshold, num_perm):
    """The fewest equal hashes that a pair at the threshold has with probability 1e-9 or less."""
    count = certain_count(threshold, num_perm)
    tails = binom.sf(np.arange(num_perm + 2) - 1, num_perm, agreement(threshold))  # P(X >= n)
    assert tails[count] <= 1.0000001e-9
    assert tails[count - 1] > 1e-9


def test_candidates_are_three_standard_errors_below():
    """And at least one equal hash, so that documents with nothing in common are no candidates."""
    found = [candidate_count(*one) for one in ((0.8, 112), (0.5, 112), (0.05, 16), (1.0, 16))]
    assert found == [78, 41, 1, 16]


def test_the_estimate_takes_chance_out():
    """Of hashes that agree by chance, one in 256, none is counted; all equal is 1, none is 0."""
    equal = np.arange(113, dtype=np.int16)
    found = estimate(equal, 112)
    assert (found[0], found[112]) == (0.0, 1.0)
    assert np.allclose([agreement(s) for s in found[1:]], equal[1:] / 112)
