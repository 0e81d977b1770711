"""The search for thresholds, against all sets of thresholds."""

import itertools

import numpy as np
import pytest

from refinery.filters.calibration.search import PUBLISHED, Problem, find_levels
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
        found = find_levels(one)
        assert one.fits(one.lost(found))
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
    base = problem(1, most=5)
    group = base.groups[0]
    one = Problem(needs, [type(group)(np.arange(10), 5, _free(10), 1.0)], 10, np.array([[PUBLISHED, 0.5]]))
    assert find_levels(one).tolist() == [1, PUBLISHED]


def _free(documents: int):  # type: ignore[no-untyped-def]
    from refinery.filters.calibration.loss import token_bound

    identities = np.arange(documents, dtype=np.uint64)
    return token_bound(identities, np.ones(documents), np.zeros(documents, bool), np.arange(documents))
