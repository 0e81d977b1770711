"""Fits that have not seen what they score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refinery.recall.held_out import FOLDS, FULL, PLAIN, Task, best_fit, held_out, log_places
from refinery.recall.logistic import weigh_rows
from refinery.recall.sample import Sample
from refinery.text.features import inverse_frequencies
from tests.recall.planted import pool


def task(sample: Sample) -> Task:
    """In folds by turns."""
    labels = sample.seed.astype(np.float64)
    inverse = inverse_frequencies(sample.features)
    rows = weigh_rows(sample.features, inverse)
    folds = np.arange(len(sample)) % FOLDS
    return Task(sample.features, inverse, rows, labels, np.ones(len(sample)), folds, folds)


def test_no_fit_sees_what_it_scores() -> None:
    """Wrong labels in a fold change scores of the other folds, and none of its own."""
    one = task(pool(seeds=25, positive=25, other=100)[0])
    turned = one.labels.copy()
    turned[one.folds == 2] = 1 - turned[one.folds == 2]
    for kind in (PLAIN, FULL):
        before = held_out(one, kind)
        after = held_out(replace(one, labels=turned), kind)
        assert after[one.folds == 2] == pytest.approx(before[one.folds == 2], rel=0.2, abs=0.2)
        assert not np.allclose(after[one.folds != 2], before[one.folds != 2], rtol=0.2, atol=0.2)


def test_the_plain_fit_is_taken_where_it_parts_topic_and_pool() -> None:
    """Else the full one, whose line has a part in the latent space."""
    sample, truth = pool(seeds=30, positive=150, other=300)
    apart, seed = task(sample), sample.seed
    best = best_fit(apart, seed)
    assert np.array_equal(best.logits, held_out(apart, PLAIN))
    kept = best.calibration.probabilities(best.logits) >= 0.5
    assert kept[truth].mean() > 0.97
    assert truth[kept].mean() > 0.97

    sample, _ = pool(seeds=25, positive=25, other=100, share=0.08)
    hard, seed = task(sample), sample.seed
    full = best_fit(hard, seed)
    assert np.array_equal(full.logits, held_out(hard, FULL))
    assert len(full.latent) == hard.places.shape[1] > 0 == len(best.latent)


def test_places_count_the_pool_alone() -> None:
    """How many score as high as the seed; the first `least` places are one."""
    scores = np.array([5.0, 1.0, 6.0, 4.0, 3.0, 2.0, 0.0])
    seed = np.arange(7) < 2
    assert np.exp(log_places(scores, seed, 1.0)) == pytest.approx([1, 4])
    assert np.exp(log_places(scores, seed, 3.0)) == pytest.approx([3, 4])
