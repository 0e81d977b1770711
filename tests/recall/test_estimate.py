"""Estimates of prevalence and probability against what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.models.linear import probabilities
from refinery.recall.estimate import calibrate, prevalence, share, suggest_threshold


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
    scale, shift, _ = calibrate(seeds, pool)
    chances = probabilities(scale * pool + shift)
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


def test_where_nothing_is_precise_the_best_alone_is_kept() -> None:
    """The threshold is then next below the highest probability."""
    assert suggest_threshold(np.array([0.3, 0.5, 0.1], np.float32), 0.9) == pytest.approx(0.4)
