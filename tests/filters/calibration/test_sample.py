"""What documents need of thresholds."""

import numpy as np

from refinery.filters.calibration.sample import failed, needs_of
from refinery.filters.calibration.search import PUBLISHED
from refinery.filters.rules import Rule
from tests.filters.calibration.samples import sample

RULES = [Rule("long", "lang = 'de' OR (words >= 50 AND words <= 99)"), Rule("named", "name = 'x'")]


def test_needs_are_values_of_documents_that_fail() -> None:
    """A need is the value by which a document fails, times the sign; documents that pass have none."""
    found = needs_of(
        sample(1, 4, words=[10, 200, 10, 60], lang=["en", "en", "de", "en"], name=["x"] * 4), RULES
    )
    assert found.needs.tolist() == [[-10, PUBLISHED], [PUBLISHED, 200], [PUBLISHED] * 2, [PUBLISHED] * 2]
    assert found.searched.tolist() == [True, True, False, False]


def test_what_no_threshold_changes_is_lost() -> None:
    """NULL, NaN and other conditions lose a document whatever thresholds are."""
    found = needs_of(
        sample(1, 3, words=[None, float("nan"), 60.0], lang=["en"] * 3, name=["x", "x", None]), RULES
    )
    assert found.lost.tolist() == [[True, False], [True, False], [False, True]]


def test_failed_are_the_rules_that_evaluate_names() -> None:
    """A row a document, a column a rule."""
    rows = sample(1, 3, words=[10, 60, 60], lang=["en", "en", "de"], name=["x", "y", "x"])
    assert np.array_equal(failed(rows, RULES), [[True, False], [False, True], [False, False]])
