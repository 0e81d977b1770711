import numpy as np
import pytest

from refinery.models.judgement import judge

RNG = np.random.default_rng(1)
POSITIVE = np.arange(400) < 100
SCORES = np.where(POSITIVE, RNG.beta(8, 2, 400), RNG.beta(2, 8, 400)).astype(np.float32)


def test_the_whole_is_judged() -> None:
    """The suggested threshold reaches the precision; what is expected falls with the share of relevant documents."""
    found = judge(SCORES, POSITIVE, 0.9)
    assert found.suggested.precision >= 0.9 <= found.precision_bound and found.judged == ()
    rate = float((SCORES[~POSITIVE] >= np.float32(found.suggested.threshold)).mean())
    assert found.false_positive_rate == pytest.approx(rate)
    assert [one.share for one in found.expected] == [0.5, 0.1, 0.01, 0.001]
    values = [one.precision for one in found.expected]
    assert values == sorted(values, reverse=True) and values[0] < 1


def test_each_source_is_judged() -> None:
    """By class: how many, how much of it reaches the threshold, and how well it is told from the other class."""
    source = np.where(POSITIVE, np.arange(400) % 2, 2)
    scores = np.where(source == 1, SCORES / 4, SCORES).astype(np.float32)
    found = judge(scores, POSITIVE, 0.9, ("good", "lost", "crawl"), source, source == 1)
    good, lost, crawl = found.judged
    assert [(one.part, one.source, one.held_out, one.left_out) for one in found.judged] == [
        ("positive", "good", 50, False), ("positive", "lost", 50, True), ("negative", "crawl", 300, False),
    ]  # fmt: skip
    assert good.reached > 0.8 and lost.reached < 0.2 and good.average_precision > lost.average_precision
    reached = (scores[~POSITIVE] >= np.float32(found.suggested.threshold)).mean()
    assert crawl.reached == pytest.approx(float(reached))
