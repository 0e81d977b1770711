"""Cuts from labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from refinery.errors import DefinitionError, InputError
from refinery.labels.file import Labels
from refinery.labels.threshold import find_threshold, pass_rate, shortest

NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 6))


def made(scores, positive, stratum=None, documents=(1000,)):
    stratum = np.zeros(len(scores), np.int64) if stratum is None else np.array(stratum)
    return Labels(
        {"score": np.array(scores, float)}, np.array(positive), stratum, np.array(documents, float), 0, {}
    )


@st.composite
def labelled(draw):
    """20 to 60 labels of one to four strata of any sizes, scores with ties and without value, both classes."""
    number, strata = draw(st.integers(20, 60)), draw(st.integers(1, 4))
    value = st.one_of(st.integers(-3, 3).map(float), NUMBERS, st.just(-np.inf))
    scores = draw(st.lists(value, min_size=number, max_size=number))
    positive = [True, False, *draw(st.lists(st.booleans(), min_size=number - 2, max_size=number - 2))]
    stratum = [
        *range(strata),
        *draw(st.lists(st.integers(0, strata - 1), min_size=number - strata, max_size=number - strata)),
    ]
    documents = draw(st.lists(st.integers(60, 5000), min_size=strata, max_size=strata))
    return made(scores, positive, stratum, documents)


def plain(labels, cut):
    """Precision and recall of keeping what is at or above a cut, document by document."""
    weights = [labels.documents[s] / (labels.stratum == s).sum() for s in labels.stratum]
    known = list(zip(labels.scores["score"], labels.positive, weights, strict=True))
    kept = sum(w for score, _, w in known if score >= cut)
    hits = sum(w for score, yes, w in known if score >= cut and yes)
    return hits / kept if kept else 1.0, hits / sum(w for _, yes, w in known if yes)


@settings(max_examples=40)
@given(labelled(), st.sampled_from([0.3, 0.6, 0.9]))
def test_the_greatest_recall_of_a_precision(labels, wanted):
    """As trying every score finds it; what the rule says is what its precision was told of."""
    reached = [
        cut
        for cut in set(labels.scores["score"].tolist())
        if np.isfinite(cut) and plain(labels, cut)[0] >= wanted - 1e-12 and plain(labels, cut)[1] > 0
    ]
    found = find_threshold(labels, precision=wanted)
    assert (found.rule is None) == (not reached)
    if found.chosen:
        column, _, cut = found.rule.split()
        assert column == "score"
        assert plain(labels, float(cut)) == pytest.approx(
            (found.chosen.precision.value, found.chosen.recall.value)
        )
        most = plain(labels, min(reached))[1]
        highest = max(one for one in reached if plain(labels, one)[1] > most - 1e-12)
        assert plain(labels, float(cut)) == pytest.approx(plain(labels, highest))
        assert found.chosen.precision.low <= found.chosen.precision.value <= found.chosen.precision.high
    if found.certain:
        assert found.certain.precision.low >= wanted


def test_labels_that_separate_are_cut_where_they_do():
    """A lower cut would reach the precision too, and add only what nobody wants; the certain one is as high."""
    labels = made([n / 300 for n in range(300)], [n >= 100 for n in range(300)])
    found = find_threshold(labels, precision=0.9)
    assert found.chosen == found.certain
    assert (found.chosen.precision.value, found.chosen.recall.value, found.chosen.labels) == (1.0, 1.0, 200)


@settings(max_examples=40)
@given(labelled())
def test_the_greatest_f_beta(labels):
    """As trying every score finds it, among those of enough recall."""
    beta, best = 0.1, None
    for cut in set(labels.scores["score"].tolist()):
        p, r = plain(labels, cut)
        if np.isfinite(cut) and r >= 0.1 - 1e-12:
            best = max(best or 0.0, 1.01 * p * r / (beta**2 * p + r))
    found = find_threshold(labels, beta=beta)
    assert (found.rule is None) == (best is None)
    if found.chosen:
        p, r = found.chosen.precision.value, found.chosen.recall.value
        assert 1.01 * p * r / (beta**2 * p + r) == pytest.approx(best)
        assert found.precision is None


def test_beta_with_a_precision():
    """The precision is a floor, as FinePDFs has it."""
    labels = made(range(40), [n % 4 != 0 if n > 19 else n % 2 == 0 for n in range(40)])
    floor = find_threshold(labels, beta=9.0, precision=0.75)
    assert floor.chosen.precision.value >= 0.75 > find_threshold(labels, beta=9.0).chosen.precision.value


@given(NUMBERS, NUMBERS)
def test_short_numbers_part_the_same(first, second):
    """Between two values, above the one and not above the other, with the fewest digits."""
    low, high = sorted((first, second))
    if low < high:
        short = shortest(low, high)
        assert low < float(short) <= high
        assert len(short) <= len(f"{high:.6f}")


def test_single_precision_values():
    """What a float32 column was written as is kept by the rule that is printed for it."""
    value = float(np.float32(0.1))
    assert shortest(float(np.nextafter(np.float32(0.1), np.float32(0))), value) == "0.1"


def test_the_pass_rate_and_the_table():
    """All documents are counted by strata; the last cut of the table keeps all that have a value."""
    labels = made([*range(20), *range(20)], [True] * 20 + [False] * 20, [0] * 20 + [1] * 20, [300, 100])
    found = find_threshold(labels, precision=0.7)
    assert pass_rate(labels).value == found.passing.value == 0.75
    assert found.rule == "score >= 0"
    assert found.cuts[-1].kept == 1.0
    assert (found.labels, found.documents) == (40, 400)
    assert len(found.cuts) <= 21


def test_a_review_by_count_and_pass_rate():
    """Of 4,000 drawn from a million 96 % pass: the interval is Wilson's of a plain draw."""
    found = pass_rate(made(range(4000), [n < 3840 for n in range(4000)], documents=[1_000_000]))
    low, high = proportion_confint(3840, 4000)
    assert (found.value, found.low, found.high) == (0.96, pytest.approx(low), pytest.approx(high))


def proportion_confint(passed: int, drawn: int) -> tuple[float, float]:
    """Wilson's interval of 95 %, as scipy has it."""
    found = binomtest(passed, drawn).proportion_ci(0.95, "wilson")
    return found.low, found.high


def test_more_labels_make_a_cut_certain():
    """The interval lies above the precision only with enough of them."""
    few = made(range(40), [n > 19 for n in range(40)])
    many = made(range(400), [n > 199 for n in range(400)])
    assert find_threshold(few, precision=0.9).certain is None
    assert find_threshold(many, precision=0.9).certain.precision.low >= 0.9


@pytest.mark.parametrize("answer", [True, False])
def test_one_class_sets_no_cut(answer):
    """The share that passes is told all the same."""
    with pytest.raises(
        InputError, match=rf"all 40 labels are {'yes' if answer else 'no'} \(of all documents "
    ):
        find_threshold(made(range(40), [answer] * 40))


@pytest.mark.parametrize("wrong", [{"precision": 0.0}, {"precision": 90}, {"beta": 0.0}, {"beta": np.inf}])
def test_numbers_that_are_none(wrong):
    """A precision is a share, a beta above 0."""
    with pytest.raises(DefinitionError, match="expected a"):
        find_threshold(made(range(40), [n > 19 for n in range(40)]), **wrong)
