import numpy as np
import pytest

from refinery.models import metrics

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
    """The best F1 that reaches it, midway to the next score; none if nothing reaches it."""
    found = metrics.suggest(SCORES, TRUTH, 0.75)
    assert found is not None
    assert found.threshold == pytest.approx(0.5) and found.precision == 0.75
    assert metrics.suggest(SCORES, ~TRUTH, 0.9) is None
    apart = metrics.suggest(np.array([0.9, 0.1], np.float32), np.array([True, False]), 0.9)
    assert apart is not None and apart.threshold == pytest.approx(0.5)


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
