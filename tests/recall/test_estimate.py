"""Estimates of prevalence and probability against what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.models.binomial import Estimate
from refinery.recall.estimate import (
    Calibration,
    calibrate,
    expected_f1,
    precision,
    prevalence,
    reach_seeds,
    share,
    suggest_threshold,
    told_precision,
)


@pytest.mark.parametrize("true", [0.02, 0.2])
def test_the_prevalence_of_a_mixture_is_found(true: float) -> None:
    """Two normal distributions of logits, of which the topic's lies higher; probabilities add up to it."""
    random = np.random.default_rng(1)
    seeds = random.normal(4, 1, 200)
    positive = int(true * 10_000)
    pool = np.concatenate([random.normal(4, 1, positive), random.normal(-2, 1, 10_000 - positive)])
    found = prevalence(seeds, pool)
    assert found.value == pytest.approx(true, rel=0.15)
    assert found.low < true < found.high
    chances = calibrate(seeds, pool).probabilities(pool)
    assert chances.mean() == pytest.approx(true, rel=0.15)
    threshold = suggest_threshold(chances, 0.9)
    assert (np.arange(10_000) < positive)[chances >= threshold].mean() > 0.85


def test_the_interval_of_prevalence_allows_for_an_impure_top() -> None:
    """Each tenth document that ranks as the topic does is of another: the bound is too high, its interval is not."""
    random = np.random.default_rng(2)
    seeds = random.normal(4, 1, 400)
    pool = np.concatenate([random.normal(4, 1, 1100), random.normal(-2, 1, 8900)])
    found = prevalence(seeds, pool)
    assert found.value > 0.1
    assert found.low < 0.1


def test_a_share_has_wilsons_interval() -> None:
    """Nine of ten: 0.596 to 0.982 (Wilson 1927)."""
    found = share(9, 10)
    assert (found.value, round(found.low, 3), round(found.high, 3)) == (0.9, 0.596, 0.982)


def test_a_share_is_told_for_another_draw() -> None:
    """Of 50 for 50 others: the variances of both add up, as if it were of 25."""
    assert share(45, 50, 50).low == pytest.approx(share(90, 100, 100 / 3).low)
    assert share(45, 50, 50).low < share(45, 50).low


@pytest.mark.parametrize("place", [2.5, 4.0])
def test_others_among_the_best_do_not_count_for_the_topic(place: float) -> None:
    """The others' tail reaches above the seeds: told is between the truth and what lies above half of the seeds."""
    random = np.random.default_rng(7)
    seeds, truth = random.normal(place, 0.7, 50), random.normal(place, 0.7, 100)
    pool = np.concatenate([truth, random.laplace(0, 0.8, 9900)])
    found = prevalence(seeds, pool)
    bound = (pool >= np.median(seeds)).mean() / 0.5
    assert 0.01 / 1.5 < found.value < 0.8 * bound
    assert found.low < 0.01 < found.high


def test_precision_is_told_with_the_more_doubt_the_less_is_found() -> None:
    """Of a topic that lies apart it is prevalence times recall by the rate; else less, and its odds fall with it."""
    share_of, recall = Estimate(0.02, 0.01, 0.03), Estimate(0.8, 0.7, 0.9)
    apart = precision(Calibration(1, 0, share_of, parted=True), recall, 0.02)
    assert (apart.value, apart.low, apart.high) == pytest.approx((0.8, 0.35, 1.0))
    near = Calibration(1, 0, share_of)
    found = precision(near, recall, 0.02)
    assert found.value == pytest.approx(0.72)
    assert found.low / (1 - found.low) == pytest.approx(0.72 / 0.28 * 0.02**0.6)
    rare = Calibration(1, 0, Estimate(0.002, 0.001, 0.003))
    assert precision(rare, recall, 0.002).low < found.low
    assert precision(near, Estimate(0, 0, 0.1), 0.0).value == 0


def test_a_higher_cut_is_told_no_less_precise_than_a_lower_one() -> None:
    """Whatever seeds happen to lie above it; where each of them is purer it is as it is by itself."""
    seeds = np.array([0.2, 0.3, 0.5, 0.6, 0.62], np.float32)
    pool = np.concatenate([np.linspace(0, 0.5, 980), np.linspace(0.5, 1, 20)]).astype(np.float32)
    found = Calibration(1, 0, Estimate(0.02, 0.01, 0.03))
    told = [told_precision(found, seeds, pool, cut, 10.0) for cut in (0.1, 0.2, 0.4, 0.5, 0.61, 0.9)]
    for part in ("value", "low", "high"):
        values = [getattr(one, part) for one in told]
        assert values == sorted(values)
    assert told[-1].value == told[-2].value > precision(found, share(0, 5, 10.0), 0.004).value
    assert told[1] == precision(found, share(5, 5, 10.0), float((pool >= np.float32(0.2)).mean()))


def test_where_nothing_is_precise_the_best_alone_is_kept() -> None:
    """The threshold is then next below the highest probability."""
    assert suggest_threshold(np.array([0.3, 0.5, 0.1], np.float32), 0.9) == pytest.approx(0.4)


def test_a_threshold_that_few_seeds_reach_is_lowered() -> None:
    """To what at least two of five reach, or to one half, where those are likelier not of the topic; never raised."""
    seeds = np.linspace(0.1, 1, 10, dtype=np.float32)
    assert reach_seeds(0.95, seeds) == pytest.approx(0.6)
    assert reach_seeds(0.55, seeds) == 0.55
    assert reach_seeds(0.95, seeds / 2) == 0.5


@pytest.mark.parametrize("precision", [0.3, 0.8])
@pytest.mark.parametrize("beta", [0.25, 1.0, 3.0])
def test_of_thresholds_that_reach_the_precision_the_greatest_f_beta_counts(
    precision: float, beta: float
) -> None:
    """Every cut of some probabilities is tried, by the definition (van Rijsbergen 1979)."""
    pool = np.random.default_rng(6).beta(0.4, 1.2, 300).astype(np.float32)
    reached = {}
    for kept in range(1, len(pool) + 1):
        hits = np.sort(pool)[-kept:].sum(dtype=np.float64)
        p, r = hits / kept, hits / pool.sum(dtype=np.float64)
        if p >= precision:
            reached[kept] = (1 + beta**2) * p * r / (beta**2 * p + r)
    assert (pool >= suggest_threshold(pool, precision, beta)).sum() == max(reached, key=reached.__getitem__)


@pytest.mark.parametrize("true", [0.02, 0.3])
def test_classes_that_lie_apart_are_cut_in_the_gap(true: float) -> None:
    """Seeds are of the upper half of their class: the gap of the pool tells threshold and prevalence, not they."""
    random = np.random.default_rng(3)
    seeds = np.abs(random.normal(0, 1, 50)) + 5
    positive = int(true * 10_000)
    pool = np.concatenate([random.normal(5, 1, positive), random.normal(-2, 1, 10_000 - positive)])
    found = calibrate(seeds, pool)
    assert found.parted
    assert found.prevalence.value == pytest.approx(true, rel=0.01)
    assert found.prevalence.low <= true <= found.prevalence.high
    chances = found.probabilities(pool)
    kept, truth = chances >= suggest_threshold(chances, 0.9), np.arange(10_000) < positive
    assert truth[kept].mean() > 0.99
    assert kept[truth].mean() > 0.99


@pytest.mark.parametrize("distance", [0.0, 2.0, 3.0])
def test_classes_that_overlap_are_not_parted(distance: float) -> None:
    """Between them is no gap, and where there is one class no topic."""
    random = np.random.default_rng(4)
    pool = np.concatenate([random.normal(distance, 1, 500), random.normal(0, 1, 9500)])
    assert not calibrate(random.normal(distance, 1, 50), pool).parted


def test_a_topic_above_which_seeds_do_not_lie_is_not_parted() -> None:
    """A group of the pool lies apart, but most seeds are with the others: it is another topic."""
    random = np.random.default_rng(5)
    pool = np.concatenate([random.normal(8, 1, 500), random.normal(0, 1, 9500)])
    seeds = np.append(random.normal(0, 1, 40), random.normal(8, 1, 10))
    assert not calibrate(seeds, pool).parted


def test_the_expected_f1_is_that_of_the_best_cut() -> None:
    """Of (0.9, 0.8, 0.1): two kept, 1.7 expected of 1.8."""
    assert expected_f1(np.array([0.1, 0.9, 0.8], np.float32)) == pytest.approx(2 * 1.7 / (2 + 1.8))
