"""The card of a model by recall, against numbers counted by hand."""

import numpy as np
import pytest

from refinery.models.card import Card, Counts, Point
from refinery.recall.recall_card import point, warnings

SEEDS = np.array([0.9, 0.8, 0.6, 0.1], np.float32)
POOL = np.array([1.0, 0.8, 0.5, 0.25, 0.0], np.float32)


def test_a_point_has_the_recall_of_seeds_and_the_mean_probability_of_the_pool():
    """What lies at the threshold is kept; of nothing kept the precision is 1."""
    found = point(SEEDS, POOL, 0.5)
    assert (found.kept, found.recall) == (3, 0.75)
    assert found.precision == pytest.approx(2.3 / 3)
    assert found.f1 == pytest.approx(2 * 0.75 * (2.3 / 3) / (0.75 + 2.3 / 3))
    nothing = point(SEEDS, POOL[1:], 0.95)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.kept) == (1.0, 0.0, 0.0, 0)


def card(recall: float, precision: float, held_out: int = 90) -> Card:
    """A card whose suggestion reaches this."""
    one = Point(threshold=0.5, precision=precision, recall=recall, f1=0.5, kept=9)
    curve = tuple(one.model_copy(update={"recall": r, "kept": kept}) for r, kept in ((0.9, 70), (1.0, 200)))
    return Card(
        model="0", labels=("a", "b"), positive_label="a", preparation="words-1", training={}, sources={},
        positive=Counts(read=9, used=9, held_out=9), negative=Counts(read=held_out, used=held_out, held_out=held_out),
        near_duplicate_groups=0, contradictory=0, wanted_precision=0.9, suggested=one, precision_bound=0.8,
        at_half=one, average_precision=0.9, false_positive_rate=0.1, curve=(one, *curve), calibration=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("recall", "precision", "told"),
    [
        (0.8, 0.91, ""),
        (
            0.4,
            0.91,
            "set a lower threshold than 0.5000 by labels (`refinery label`) or by number, or give more seeds; see "
            "docs/recall.md. The suggested one finds only 40.0% of the seeds that were held out and 9 documents of "
            "the sample, while 70 rank as high as nine of ten seeds",
        ),
        (0.8, 0.85, "expected to reach precision 0.850, not 0.9"),
    ],
)
def test_a_threshold_of_little_use_is_told(recall, precision, told):
    """With what to do; a good one is not."""
    found = warnings(card(recall, precision))
    assert len(found) == bool(told) and all(told in one and "give more seeds" in one for one in found)


def test_a_threshold_that_keeps_the_pool_is_told():
    """Above nine tenths of it, however good it seems."""
    (told,) = warnings(card(0.8, 0.95, held_out=9))
    assert told.startswith(
        "9 of 9 documents of the sample reach the suggested threshold 0.5000: nearly the whole"
    )
    assert warnings(card(0.8, 0.95, held_out=10)) == ()
    assert len(warnings(card(0.8, 0.5, held_out=9))) == 2
