"""The search for thresholds, against all sets of thresholds."""

import itertools

import numpy as np
import pytest

from refinery.filters.calibration.loss import token_bound
from refinery.filters.calibration.search import PUBLISHED, Group, Problem, find_levels, search
from tests.filters.calibration.samples import problem


def _best(one: Problem) -> float:
    """The gain of the best levels of all that lose no more than may be."""
    levels = [sorted({*column.tolist(), PUBLISHED}) for column in one.needs.T]
    every = (np.array(chosen) for chosen in itertools.product(*levels))
    return max(one.gain(chosen) for chosen in every if one.fits(one.lost(chosen)))


@pytest.mark.parametrize(("junk", "lose", "groups"), [(0, 1.0, 1), (30, 1.0, 1), (0, 0.15, 1), (30, 0.15, 2)])
def test_nearly_always_the_best(junk: int, lose: float, groups: int) -> None:
    """No more is lost than may be, and nine times of ten nothing is better; never is anything much better."""
    gaps = []
    for seed in range(40):
        one = problem(seed, most=seed % 6, lose=lose, junk=junk, groups=groups)
        found = search(one)
        assert one.fits(one.lost(found))
        assert one.fits(one.lost(find_levels(one)))
        gaps.append(_best(one) - one.gain(found))
    assert sum(gap < 1e-9 for gap in gaps) >= 36
    assert max(gaps) < 0.1


def test_nothing_moves_where_nothing_must() -> None:
    """Thresholds stay where published ones lose little enough."""
    one = problem(1, most=20)
    assert (find_levels(one) == PUBLISHED).all()


def test_junk_decides_between_thresholds() -> None:
    """Of two thresholds that lose as many documents the one that drops junk stays."""
    needs = np.full((10, 2), PUBLISHED)
    needs[:5, 0] = needs[5:, 1] = 1
    tokens = token_bound(np.arange(10, dtype=np.uint64), np.ones(10), np.zeros(10, bool), np.arange(10))
    group = Group(np.arange(10), 5, tokens, 1.0, documents=10)
    one = Problem(needs, [group], 10, np.array([[PUBLISHED, 0.5]]))
    assert find_levels(one).tolist() == [1, PUBLISHED]


def test_what_holds_a_threshold_counts_as_lost() -> None:
    """Where a document less would lose another one, fewer are lost: text that was not seen has such documents."""
    needs = np.full((8, 4), PUBLISHED)
    for threshold in range(4):
        needs[2 * threshold, threshold], needs[2 * threshold + 1, threshold] = 2, 1
    tokens = token_bound(np.arange(8, dtype=np.uint64), np.ones(8), np.zeros(8, bool), np.arange(8))
    loose = Problem(needs, [Group(np.arange(8), 4, tokens, 1.0, documents=100)], 100)
    assert loose.lost(find_levels(loose)).sum() == 4
    strict = Problem(needs, [Group(np.arange(8), 4, tokens, 0.06, documents=100)], 100)
    found = find_levels(strict)
    assert strict.lost(found).sum() < 4


def test_the_tokens_of_what_holds_a_threshold_count_as_lost() -> None:
    """Few documents among many, but more tokens with what holds thresholds than may be: fewer are lost."""
    needs = np.full((8, 4), PUBLISHED)
    for threshold in range(4):
        needs[2 * threshold, threshold], needs[2 * threshold + 1, threshold] = 2, 1
    some = np.arange(8)
    tokens = token_bound(np.arange(1000, dtype=np.uint64), np.ones(1000), np.zeros(1000, bool), some)
    loose, strict = (
        Problem(needs, [Group(some, 4, tokens, tokens.share(tokens.lost(rows)), documents=10**6)], 10**6)
        for rows in (some, some[:4])
    )
    assert loose.lost(find_levels(loose)).sum() == 4
    assert strict.lost(find_levels(strict)).sum() < 4
