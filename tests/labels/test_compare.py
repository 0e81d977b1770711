"""Scores side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy, mannwhitneyu

from refinery.errors import InputError
from refinery.labels.compare import compare_scores, nmi
from refinery.models.metrics import auc, average_precision, precision_at_recall
from tests.labels.files import labels_of

RANKED = st.lists(
    st.tuples(st.integers(0, 9), st.booleans(), st.integers(1, 4)), min_size=3, max_size=40
).filter(lambda rows: len({yes for _, yes, _ in rows}) == 2)


def arrays(rows):
    scores, positive, weights = zip(*rows, strict=True)
    return np.array(scores, float), np.array(positive), np.array(weights, float)


def repeated(scores, positive, weights):
    times = weights.astype(int)
    return np.repeat(scores, times), np.repeat(positive, times)


@given(RANKED)
def test_auc_is_mann_whitney(rows):
    """A document of weight 3 counts as three; scipy's U over the number of pairs."""
    scores, positive = repeated(*arrays(rows))
    expected = (
        mannwhitneyu(scores[positive], scores[~positive]).statistic / positive.sum() / (~positive).sum()
    )
    assert auc(*arrays(rows)) == pytest.approx(expected)


@given(RANKED)
def test_average_precision_step_by_step(rows):
    """The sum over cuts of precision times what recall gains; precision at recall at the first that has it."""
    scores, positive = repeated(*arrays(rows))
    expected, before, at = 0.0, 0.0, None
    for cut in sorted(set(scores.tolist()), reverse=True):
        precision = positive[scores >= cut].mean()
        recall = positive[scores >= cut].sum() / positive.sum()
        expected, before = expected + precision * (recall - before), recall
        at = precision if at is None and recall >= 0.9 - 1e-9 else at
    assert average_precision(*arrays(rows)) == pytest.approx(expected)
    assert precision_at_recall(*arrays(rows)) == pytest.approx(at)


def test_mutual_information_by_hand():
    """Of buckets of equal documents, over the mean entropy; a score of few values has as many buckets."""
    first, second = np.repeat([0.0, 1.0], 20), np.tile([0.0, 0.0, 0.0, 1.0], 10)
    second[:20] = np.tile([0.0, 1.0], 10)
    joint = np.array([[10, 10], [15, 5]]) / 40
    rows, columns = entropy(joint.sum(1)), entropy(joint.sum(0))
    expected = (rows + columns - entropy(joint.ravel())) / ((rows + columns) / 2)
    assert nmi(first, second, np.ones(40)) == pytest.approx(expected)


def test_mutual_information_of_twenty_buckets():
    """100 documents in 20 buckets of five: any order-preserving change is the same, half of the entropy shared."""
    first = np.arange(100.0)
    assert nmi(first, first**3, np.ones(100)) == pytest.approx(1)
    assert nmi(first, first // 10, np.ones(100)) == pytest.approx(
        np.log(10) / ((np.log(10) + np.log(20)) / 2)
    )


def test_scores_are_compared(tmp_path):
    """The better one is ahead with its interval; independent ones share what chance gives; notes tell the rest."""
    rng = np.random.default_rng(3)
    wanted = rng.random(300) < 0.4
    good, noise = wanted + rng.normal(0, 0.7, 300), rng.normal(0, 1, 300)
    strata = [(900, [(n, bool(yes)) for n, yes in zip(noise[:150], wanted[:150], strict=True)])]
    strata += [(600, [(n, bool(yes)) for n, yes in zip(noise[150:], wanted[150:], strict=True)])]
    found = compare_scores(labels_of(tmp_path, strata, good=good, low=[*(-good)[:299], None]))
    by_name = {score.column: score for score in found.scores}
    assert list(by_name) == ["score", "good", "low"]
    assert by_name["score"].ahead is None
    assert by_name["good"].ahead.low > 0
    for one in by_name.values():
        for estimate in (one.auc, one.average_precision, one.precision_at_recall):
            assert estimate.low <= estimate.value <= estimate.high
    assert 0.03 < by_name["score"].auc.high - by_name["score"].auc.low < 0.2
    shared = {pair.columns: pair for pair in found.pairs}
    assert abs(shared["score", "good"].nmi - shared["score", "good"].by_chance) < 0.05
    assert shared["good", "low"].nmi > 0.9
    assert found.notes == (
        "low: low values are better, see `derive`",
        "low: 1 without a value, which is below all values",
    )


def test_intervals_are_as_wide_as_draws_differ(tmp_path):
    """The width is that of the AUC over new samples of the same strata, within a fifth."""
    rng = np.random.default_rng(5)
    values = []
    for _ in range(200):
        wanted = rng.random(200) < 0.5
        values.append(auc(wanted + rng.normal(0, 1, 200), wanted, np.ones(200)))
    low, high = np.quantile(values, [0.025, 0.975])
    strata = [
        (900, [(float(yes + n), bool(yes)) for yes, n in zip(wanted, rng.normal(0, 1, 200), strict=True)])
    ]
    found = compare_scores(labels_of(tmp_path, strata)).scores[0].auc
    assert (found.high - found.low) / (high - low) == pytest.approx(1, abs=0.2)


def test_what_cannot_be_compared(tmp_path):
    """Columns that are not there, labels that are all the same; the same labels give the same numbers."""
    labels = labels_of(tmp_path, [(90, [(n, n > 12) for n in range(30)])], other=range(30))
    assert compare_scores(labels, ["other"]) == compare_scores(labels, ["other", "other"])
    with pytest.raises(InputError, match='did you mean "other"'):
        compare_scores(labels, ["othr"])
    with pytest.raises(InputError, match="all 30 labels are yes"):
        compare_scores(labels_of(tmp_path, [(90, [(n, True) for n in range(30)])]))
