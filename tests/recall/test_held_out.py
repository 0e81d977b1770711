"""Fits that have not seen what they score."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from refinery.recall.held_out import FOLDS, Task, fit_views, held_out, log_places
from refinery.recall.latent import latent_space
from refinery.recall.logistic import weigh_rows
from refinery.recall.sample import Sample
from refinery.text.features import inverse_frequencies
from tests.recall.planted import pool


def task(sample: Sample) -> Task:
    """In folds by turns."""
    labels = sample.seed.astype(np.float64)
    inverse = inverse_frequencies(sample.features)
    folds = np.arange(len(sample)) % FOLDS
    return Task(sample.features, ~sample.seed, inverse, labels, np.ones(len(sample)), folds, folds)


def test_no_fit_sees_what_it_scores() -> None:
    """Wrong labels in a fold change scores of the other folds, and none of its own."""
    one = task(pool(seeds=25, positive=25, other=100)[0])
    turned = one.labels.copy()
    turned[one.folds == 2] = 1 - turned[one.folds == 2]
    before, after = held_out(one), held_out(replace(one, labels=turned))
    assert after[one.folds == 2] == pytest.approx(before[one.folds == 2], rel=0.2, abs=0.2)
    assert not np.allclose(after[one.folds != 2], before[one.folds != 2], rtol=0.2, atol=0.2)


@pytest.mark.parametrize(("seeds", "shares"), [(30, (1, 1, 0.5)), (100, (1, 0.5, 0.25))])
def test_a_fit_is_the_sum_of_its_views_in_deviations(seeds: int, shares: tuple[float, ...]) -> None:
    """Each line alone has in the pool the mean 0 and its share as deviation, the last two less of many seeds."""
    sample, truth = pool(seeds=seeds, positive=150, other=300)
    one = task(sample)
    found = fit_views(one, np.ones(len(sample), np.bool_))
    views = (weigh_rows(one.features, one.inverse), weigh_rows(one.features, found.contrasted), one.places)
    parts = [line.logits(rows) for line, rows in zip(found.lines, views, strict=True)]
    assert sum(parts) == pytest.approx(found.logits)
    for part, share in zip(parts, shares, strict=True):
        assert part[one.pool].mean() == pytest.approx(0, abs=1e-9)
        assert part[one.pool].std() == pytest.approx(share)
    assert np.median(found.logits[truth & one.pool]) > np.quantile(found.logits[~truth], 0.99)


def test_documents_of_a_block_are_scored_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit."""
    one = task(pool(seeds=25, positive=25, other=100)[0])
    at_once = held_out(one)
    monkeypatch.setattr("refinery.text.features._BLOCK_ENTRIES", 1000)
    assert held_out(replace(one)).tobytes() == at_once.tobytes()


def test_the_latent_space_of_many_documents_is_evenly_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them have a place in it."""
    one = task(pool(seeds=25, positive=25, other=100)[0])
    monkeypatch.setattr(sys.modules[Task.__module__], "_PLACED", 60)
    evenly = np.floor(np.linspace(0, len(one.labels), 60, endpoint=False)).astype(np.int64)
    space = latent_space(weigh_rows(one.features.take(evenly), one.inverse), one.inverse)
    assert (one.space.vectors == space.vectors).all()
    assert len(one.places) == len(one.labels)


def test_places_count_the_pool_alone() -> None:
    """How many score as high as the seed; the first `least` places are one."""
    scores = np.array([5.0, 1.0, 6.0, 4.0, 3.0, 2.0, 0.0])
    seed = np.arange(7) < 2
    assert np.exp(log_places(scores, seed, 1.0)) == pytest.approx([1, 4])
    assert np.exp(log_places(scores, seed, 3.0)) == pytest.approx([3, 4])
