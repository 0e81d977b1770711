"""Fits that have not seen what they score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refinery.recall.held_out import FOLDS, FULL, PLAIN, Task, best_fit, held_out, log_places
from refinery.recall.latent import latent_space
from refinery.recall.sample import Sample
from refinery.text.batch import TextBatch
from refinery.text.features import features, inverse_frequencies
from tests.recall.planted import pool, texts


def task_of(sample: Sample) -> Task:
    """Seeds against a pool, in folds by turns."""
    inverse = inverse_frequencies(sample.features)
    places = latent_space(sample.features, inverse).places(sample.features)
    folds, ones = np.arange(len(sample)) % FOLDS, np.ones(len(sample))
    return Task(sample.features, inverse, places, sample.seed.astype(np.float64), ones, folds, folds)


def task() -> tuple[Task, np.ndarray]:
    """Some seeds and a pool; and which are seeds."""
    sample, _ = pool(seeds=25, positive=25, other=100)
    return task_of(sample), sample.seed


def test_no_fit_sees_what_it_scores() -> None:
    """Wrong labels in a fold change scores of the other folds, and none of its own."""
    one, _ = task()
    turned = one.labels.copy()
    turned[one.folds == 2] = 1 - turned[one.folds == 2]
    for kind in (PLAIN, FULL):
        before = held_out(one, kind)
        after = held_out(replace(one, labels=turned), kind)
        assert after[one.folds == 2] == pytest.approx(before[one.folds == 2], rel=0.2, abs=0.2)
        assert not np.allclose(after[one.folds != 2], before[one.folds != 2], rtol=0.2, atol=0.2)


def test_the_plain_fit_serves_where_it_parts_topic_and_pool() -> None:
    """Documents of hardly any but their topic's words are; others of which each has some of all words are not."""
    found = features(TextBatch.from_texts([*texts(50, "a", 0.9, 1), *texts(150, "b", 0.9, 2)]))
    seed = np.arange(len(found)) < 25
    numbers = np.arange(len(found))
    parted = task_of(Sample(found, numbers.astype(np.uint64), seed, numbers.astype(np.int32)))
    plain = best_fit(parted, seed)
    assert np.array_equal(plain.logits, held_out(parted, PLAIN)) and not len(plain.latent)
    mixed, seed = task()
    full = best_fit(mixed, seed)
    assert np.array_equal(full.logits, held_out(mixed, FULL)) and len(full.latent) == mixed.places.shape[1]


def test_places_count_the_pool_alone() -> None:
    """How many score as high as the seed; the first `least` places are one."""
    scores = np.array([5.0, 1.0, 6.0, 4.0, 3.0, 2.0, 0.0])
    seed = np.arange(7) < 2
    assert np.exp(log_places(scores, seed, 1.0)) == pytest.approx([1, 4])
    assert np.exp(log_places(scores, seed, 3.0)) == pytest.approx([3, 4])
