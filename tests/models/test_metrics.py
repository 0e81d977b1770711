import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.models import metrics
from refinery.models.binomial import upper_bound

SCORES = np.array([0.9, 0.8, 0.8, 0.6, 0.4, 0.3, 0.2], np.float32)
TRUTH = np.array([1, 1, 0, 1, 0, 1, 0], bool)


def test_a_point_counts_what_is_kept() -> None:
    """At 0.5: four kept, three of them right, of four."""
    point = metrics.point(SCORES, TRUTH, 0.5)
    assert (point.kept, point.precision, point.recall, point.f1) == (4, 0.75, 0.75, 0.75)


def test_average_precision_by_hand() -> None:
    """Sum of precision times gain in recall, equal scores taken together."""
    expected = 1 * 0.25 + 2 / 3 * 0.25 + 3 / 4 * 0.25 + 4 / 6 * 0.25
    assert metrics.average_precision(SCORES, TRUTH) == pytest.approx(expected)


def test_a_threshold_for_a_precision() -> None:
    """The best F1 of those whose bound reaches it, midway to the next score; without any the best F0.5."""
    scores = np.array([0.9] * 100 + [0.6] * 100 + [0.2] * 100, np.float32)
    truth = np.array([True] * 100 + [True] * 80 + [False] * 120)
    for wanted, threshold, precision in ((0.9, 0.75, 1.0), (0.86, 0.4, 0.9), (0.99, 0.4, 0.9)):
        found, bound = metrics.suggest(scores, truth, wanted)
        assert found.threshold == pytest.approx(threshold) and found.precision == precision
        assert (bound >= wanted) is (wanted < 0.99) and bound < precision
    apart, _ = metrics.suggest(np.array([0.9, 0.1], np.float32), np.array([True, False]), 0.9)
    assert apart.threshold == pytest.approx(0.5)


def test_a_precision_reached_by_chance_is_not_suggested() -> None:
    """The best three are right, and the other positives lie among the negatives, of which most are lower."""
    scores = np.linspace(1, 0, 1003, dtype=np.float32)
    truth = np.append([True] * 3, np.tile([True, True, False, False], 250) & (np.arange(1000) < 500))
    found, bound = metrics.suggest(scores, truth, 0.9)
    assert bound < 0.9 and found.recall > 0.9


@pytest.mark.parametrize(("wrong", "recall"), [(12, 0.88), (2, 0.15)])
def test_few_documents_do_not_move_the_threshold_to_the_top(wrong: int, recall: float) -> None:
    """Of 100 against 400 only the best 15 are sure; below, where one of so many is wrong, half of the domain lies."""
    best = np.append([True] * 15, np.arange(80) % wrong != 0)
    left = 100 - best.sum()
    truth = np.concatenate([best, [False] * (500 - 95 - left), [True] * left])
    found, bound = metrics.suggest(np.linspace(3, -1, 500, dtype=np.float32), truth, 0.9)
    assert found.recall == pytest.approx(recall) and found.precision >= 0.9
    assert (bound >= 0.9) == (recall < 0.5)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_bound_of_a_precision_is_near_the_exact_one(counts: tuple[int, int]) -> None:
    """That of Clopper and Pearson is lower, by less than the deviation of half a document on each side."""
    hits, kept = counts
    (bound,) = metrics.precision_bound(np.array([hits / kept]), np.array([kept]))
    exact = 1 - upper_bound(kept - hits, kept)
    assert exact - 1e-9 <= bound <= exact + 1.0 / kept


def test_the_curve_reaches_every_recall() -> None:
    """Thresholds fall, recall rises to 1."""
    points = metrics.curve(SCORES, TRUTH)
    assert points[-1].recall == 1
    assert [p.threshold for p in points] == sorted((p.threshold for p in points), reverse=True)


def test_calibration_has_every_document_once() -> None:
    """By tenths; 1.0 belongs to the last."""
    scores = np.append(SCORES, np.float32(1.0))
    bins = metrics.calibration(scores, np.append(TRUTH, True))
    assert sum(b.documents for b in bins) == 8
    assert bins[-1].documents == 2 and bins[-1].positive_share == 1
