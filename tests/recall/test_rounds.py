"""Rounds find planted topics, stop where they should, and give the same bits again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refinery.errors import DefinitionError
from refinery.models.binomial import Estimate
from refinery.models.metrics import average_precision
from refinery.recall.estimate import share
from refinery.recall.rounds import (
    NEGATIVE,
    POSITIVE,
    Round,
    Settings,
    first_round,
    next_round,
)
from refinery.recall.sample import Sample
from tests.recall.planted import pool

SETTINGS = Settings()


@pytest.fixture(scope="module")
def planted() -> tuple[Sample, np.ndarray, Round]:
    """A pool, which of it is of the topic, and the first round over it."""
    sample, truth = pool()
    return sample, truth, first_round(sample, SETTINGS)


def test_a_planted_topic_is_found(planted: tuple[Sample, np.ndarray, Round]) -> None:
    """Nearly all of the topic lies above the threshold, and what is told of it holds."""
    sample, truth, found = planted
    others = ~sample.seed
    recalled = others & (found.probability >= found.threshold)
    assert average_precision(found.probability[others], truth[others]) > 0.99
    assert (recalled & truth).sum() / recalled.sum() > 0.9
    assert recalled[truth & others].mean() > 0.9
    assert found.estimates.prevalence.value == pytest.approx(truth[others].mean(), rel=0.25)
    true = share(
        int((recalled & truth).sum()), int((truth & others).sum())
    )  # of a draw of the topic, as seeds are
    assert found.estimates.recall.low <= true.high and true.low <= found.estimates.recall.high
    assert found.estimates.recalled == recalled.sum()
    assert found.good
    assert found.stopped is None


def test_however_precise_it_is_to_be_two_of_five_seeds_are_kept() -> None:
    """No cut is precise for certain: the highest probability alone would be kept."""
    found = first_round(pool(share=0.08)[0], Settings(precision=1.0))
    assert 0.4 <= found.estimates.recall.value < 0.6


def test_a_greater_beta_keeps_more() -> None:
    """Where any precision will do."""
    sample, _ = pool(share=0.08)
    less, more = (first_round(sample, Settings(precision=0.01, beta=beta)) for beta in (0.25, 4.0))
    assert less.threshold > more.threshold
    assert less.estimates.recalled < more.estimates.recalled


def test_the_model_ranks_documents_that_no_round_has_seen(planted: tuple[Sample, np.ndarray, Round]) -> None:
    """Another draw of the same topics, with probabilities that keep it apart."""
    sample, truth = pool(seeds=0, positive=30, other=200, shift=100)
    scores = planted[2].model.probability(sample.features)
    assert average_precision(scores, truth) > 0.98
    assert scores[truth].mean() > 0.5
    assert scores[~truth].mean() < 0.05


def test_a_round_that_gains_nothing_stops_the_loop(planted: tuple[Sample, np.ndarray, Round]) -> None:
    """Seeds cannot rank higher than first: the round before serves, and one after is the one that stopped."""
    sample, _, found = planted
    second = next_round(sample, found, SETTINGS)
    assert (second.number, second.good) == (2, False)
    assert "no higher" in (second.stopped or "")
    assert (found.good, second.good) == (True, False)
    assert next_round(sample, second, SETTINGS) is second


def test_a_poisoned_round_is_stopped(planted: tuple[Sample, np.ndarray, Round]) -> None:
    """Documents of another topic taken for positive: held-out seeds rank lower, and its model does not serve."""
    sample, truth, found = planted
    poison = np.flatnonzero(~truth)[:200]  # all of one other topic
    standing = np.where(truth, NEGATIVE, found.standing).astype(np.int8)
    standing[poison], standing[sample.seed] = POSITIVE, POSITIVE
    led_astray = next_round(sample, replace(found, standing=standing), SETTINGS)
    assert not led_astray.good
    assert led_astray.stopped
    assert not led_astray.good


def test_the_same_sample_gives_the_same_bits() -> None:
    """Two runs of two rounds are equal; the last one that is wanted stops."""
    sample, _ = pool(seeds=20, positive=40, other=200)
    runs = []
    for _ in range(2):
        one = first_round(sample, SETTINGS)
        two = next_round(sample, one, SETTINGS)
        runs.append((one.probability.tobytes(), two.probability.tobytes(), two.model.content()))
    assert runs[0] == runs[1]


def test_a_round_that_loses_seeds_does_not_serve(planted: tuple[Sample, np.ndarray, Round]) -> None:
    """Its recall lies below the interval of the round before, though its held-out seeds rank higher."""
    sample, _, found = planted
    lower = found.probability.copy()
    lower[sample.seed] = np.linspace(0, 1e-6, int(sample.seed.sum()))
    before = replace(found, probability=lower, estimates=replace(found.estimates, recall=Estimate(0, 0, 0)))
    second = next_round(sample, before, SETTINGS)
    assert second.good
    above = second.estimates.recall.high + 0.001
    recall = Estimate(above, above, above)
    lost = replace(before, estimates=replace(found.estimates, recall=recall))
    third = next_round(sample, lost, SETTINGS)
    assert not third.good
    assert "fewer of the held-out seeds" in (third.stopped or "")


@pytest.mark.parametrize(("seed", "word"), [(False, "no seed"), (True, "every document")])
def test_no_seeds_and_no_pool_are_refused(seed: bool, word: str) -> None:
    """There is nothing to learn from."""
    sample, _ = pool(seeds=5, positive=5, other=20)
    bare = Sample(sample.features, sample.identities, np.full(len(sample), seed), sample.hosts)
    with pytest.raises(DefinitionError, match=word):
        first_round(bare, SETTINGS)
