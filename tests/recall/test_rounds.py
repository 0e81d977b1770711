"""Rounds find planted topics, stop where they should, and give the same bits again."""

from __future__ import annotations

import numpy as np
import pytest

from refinery.errors import DefinitionError
from refinery.models.metrics import average_precision
from refinery.recall.rounds import Settings, first_round, last_good, next_round
from refinery.recall.sample import Sample
from tests.recall.planted import pool

SETTINGS = Settings()


def test_a_planted_topic_is_found() -> None:
    """All of the topic above the threshold, and what is told of it holds."""
    sample, truth = pool()
    found = first_round(sample, SETTINGS)
    others = ~sample.seed
    recalled = others & (found.probability >= found.threshold)
    assert average_precision(found.probability[others], truth[others]) > 0.99
    assert (recalled & truth).sum() / recalled.sum() > 0.9
    assert recalled[truth & others].mean() > 0.7
    assert found.estimates.prevalence.low <= truth[others].mean() <= found.estimates.prevalence.high
    assert found.estimates.recalled == recalled.sum()


def test_a_round_more_gives_the_same_bits_again() -> None:
    """Two runs of two rounds are equal, and a round that follows the last one is that one."""
    sample, _ = pool(seeds=20, positive=40, other=200)
    runs = []
    for _ in range(2):
        one = first_round(sample, SETTINGS)
        two = next_round(sample, one, SETTINGS)
        runs.append((one.probability.tobytes(), two.probability.tobytes(), two.model.content()))
    assert runs[0] == runs[1]
    last = next_round(sample, first_round(sample, Settings(rounds=1)), Settings(rounds=1))
    assert last.number == 1
    assert last.stopped
    assert last_good([last]) is last


@pytest.mark.parametrize(("seed", "word"), [(False, "no seed"), (True, "every document")])
def test_no_seeds_and_no_pool_are_refused(seed: bool, word: str) -> None:
    """There is nothing to learn from."""
    sample, _ = pool(seeds=5, positive=5, other=20)
    bare = Sample(sample.features, sample.identities, np.full(len(sample), seed), sample.hosts)
    with pytest.raises(DefinitionError, match=word):
        first_round(bare, SETTINGS)
