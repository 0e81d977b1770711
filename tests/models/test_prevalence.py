"""Precision at other shares of relevant documents, against pools of known make."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refinery.models.prevalence import Judged, in_pool, precision_at

COUNTS = st.tuples(st.integers(1, 5000), st.integers(1, 5000)).flatmap(
    lambda n: st.builds(
        Judged, st.just(n[0]), st.integers(0, n[0]), st.just(n[1]), st.integers(0, min(n[1], 500))
    )
)


def test_no_false_positive_is_no_promise() -> None:
    """Of 498 negatives none was wrong: at 1 % precision may be as low as .57, and is never said to be 1."""
    judged = Judged(positives=166, found=166, negatives=498, wrong=0)
    shown = {share: precision_at(judged, share) for share in (0.5, 0.1, 0.01, 0.001)}
    assert round(shown[0.01].low, 2) == 0.57 and all(one.value < 1 for one in shown.values())
    lows = [one.low for one in shown.values()]
    assert lows == sorted(lows, reverse=True)


@given(COUNTS, st.floats(0.0001, 0.9999))
def test_a_number_lies_in_its_interval(judged: Judged, share: float) -> None:
    """At every share, and more of what is relevant means more precision."""
    found = precision_at(judged, share)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert precision_at(judged, share / 2).value <= found.value + 1e-12


@given(COUNTS, st.floats(0.001, 0.999))
def test_a_pool_is_known_by_what_reaches_the_cut(judged: Judged, share: float) -> None:
    """Of a pool with exactly these rates share and precision come back; intervals hold them."""
    recall, wrong = judged.recall.value, judged.false_positive_rate.value
    assume(recall - wrong > 0.01)
    documents = 10**9
    reached = round(documents * (share * recall + (1 - share) * wrong))
    found = in_pool(judged, reached, documents)
    assert found.relevant.value == pytest.approx(share, abs=1e-4)
    assert found.precision.value == pytest.approx(precision_at(judged, share).value, abs=1e-4)
    for one in (found.relevant, found.precision):
        assert 0 <= one.low <= one.value + 1e-9 and one.value <= one.high + 1e-9 and one.high <= 1


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 400 judgements by 100 relevant documents and 1,000 others at least 95 % have the pool's precision."""
    rng, recall, wrong, share = np.random.default_rng(1), 0.8, 0.004, 0.02
    kept = share * recall + (1 - share) * wrong
    judgements = [
        Judged(100, int(rng.binomial(100, recall)), 1000, int(rng.binomial(1000, wrong))) for _ in range(400)
    ]
    found = [in_pool(one, round(kept * 10**6), 10**6).precision for one in judgements]
    truth = share * recall / kept
    assert sum(one.low <= truth <= one.high for one in found) >= 380


def test_nothing_reaches_the_cut() -> None:
    """Then nothing is known."""
    found = in_pool(Judged(10, 5, 10, 0), 0, 1000)
    assert (found.precision.low, found.precision.high) == (0, 1)
