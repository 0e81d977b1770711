"""The upsampling curve."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.select.curve import BUCKETS, Curve, fit, warnings_of

DISCARDS = st.sampled_from([0.0, 0.1, 0.33, 0.4, 0.5, 0.9, 0.96])


def bisected(curve: Curve) -> float:
    """The power by bisection, without a logarithm: the best bucket is written `most` times."""
    low, high = 1.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        best = 1 - ((1 - 1 / BUCKETS - curve.discard) / (1 - curve.discard)) ** middle
        low, high = (middle, high) if curve.ratio * best * BUCKETS < curve.most else (low, middle)
    return low


@given(st.integers(1, 10**6), DISCARDS, st.integers(1, 12), st.lists(st.floats(0, 1), max_size=30))
def test_the_budget_is_spent_by_better_and_better_buckets(wanted, discard, most, others):
    """Whatever the buckets are: the sum over them is the ratio, none is above what is allowed, none below a worse."""
    assume(wanted / 10**5 <= most * (1 - discard))
    curve = fit(wanted, 10**5, discard, most)
    for starts in (np.array(curve.edges), np.sort([*others, *curve.edges])):
        factors = curve.factors(starts)
        widths = np.diff([0.0, *starts, 1.0])
        if np.isfinite(curve.power):
            best = widths[-1] >= 1 / BUCKETS - 1e-9
            assert not best or float((factors * widths).sum()) == pytest.approx(curve.ratio)
        assert (factors <= most).all()
        assert (np.diff(factors[widths > 1e-9]) >= -1e-6).all()
        assert (factors[1:][starts < discard - 1e-9][:-1] == 0).all()


@given(st.floats(0.36, 4), st.sampled_from([0.0, 0.33, 0.4]))
def test_the_best_bucket_is_at_the_cap(ratio, discard):
    """As bisection finds it too."""
    curve = Curve(ratio, discard, 7)
    assume(ratio / (1 - discard) <= 7)
    assert curve.factors(np.array(curve.edges))[-1] == pytest.approx(7)
    assert curve.power == pytest.approx(bisected(curve), rel=1e-6)
    assert not warnings_of(curve)


def test_what_cannot_be_is_told_by_the_formula():
    """With the numbers, and what would do."""
    with pytest.raises(InputError) as raised:
        fit(5000, 1000, 0.4, 7)
    assert "5,000 / (1,000 x (1 - 0.4)) = 8.33 times on average" in str(raised.value)
    assert "at most 4,200 tokens, or discard at most 28.5%, or allow 9 repeats" in str(raised.value)
    for wanted, discard, most in ((4200, 0.4, 7), (5000, 0.285, 7), (5000, 0.4, 9)):
        fit(wanted, 1000, discard, most)
    with pytest.raises(InputError, match="tokens, or allow 5 repeats"):
        fit(5000, 1000, 0.0, 4)
    with pytest.raises(InputError, match="no document with tokens arrives"):
        fit(1, 0, 0.4, 7)


def test_a_budget_that_the_best_bucket_has_alone_is_told():
    """No power reaches the cap then; nothing but the best is written, below the cap."""
    curve = fit(300, 1000, 0.4, 7)
    factors = curve.factors(np.array(curve.edges))
    assert factors[-1] == pytest.approx(6) and not factors[:-1].any()
    (told,) = warnings_of(curve)
    assert "only the best 5%, 6.00 times each" in told and "`most_repeats` of 1 to 5 spends" in told
    for most in (1, 5):
        assert not warnings_of(fit(300, 1000, 0.4, most))
    (told,) = warnings_of(fit(40, 1000, 0.4, 2))
    assert "more than 10% of the tokens that arrive" in told
    assert not warnings_of(fit(110, 1000, 0.4, 2))


def test_one_bucket_alone_is_written_evenly():
    """Where all that is worse than the best is discarded, and where the average is the cap."""
    assert Curve(0.1, 0.96, 7).factors(np.array([0.96])).tolist() == pytest.approx([0, 2.5])
    even = Curve(2.0, 0.0, 2)
    assert even.factors(np.array(even.edges)).tolist() == pytest.approx([2.0] * BUCKETS)
