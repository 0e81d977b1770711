"""What precision a cut has where another share of documents is relevant than among those that judged it.

A cut keeps a share R of relevant documents (recall) and a share F of others. Where a share s is relevant its
precision is s R / (s R + (1 - s) F). Of a pool of which a share q reaches the cut, s = (q - F) / (R - F) is relevant
(Rogan and Gladen 1978, American J. Epidemiology 107, 71-76), so its precision is 1 - F (1 - s) / q.

R and F are known by documents held out, so each number has an interval: what precision is at the ends of the exact
intervals of both. No false positive among n negatives does not mean that there is none: of 498 the rate may be .0074,
and precision at 1 % as low as .58. Numbers themselves are had with half a document added to either side.
"""

from __future__ import annotations

from dataclasses import dataclass

from refinery.models.binomial import Estimate, interval

CONFIDENCE = 0.95
SHARES = (0.5, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Judged:
    """Documents that judged a cut: relevant ones and others, and how many of each reached it."""

    positives: int
    found: int
    negatives: int
    wrong: int

    @property
    def recall(self) -> Estimate:
        """R."""
        return _rate(self.found, self.positives)

    @property
    def false_positive_rate(self) -> Estimate:
        """F."""
        return _rate(self.wrong, self.negatives)


@dataclass(frozen=True)
class InPool:
    """What is estimated of a pool: the share of it that is relevant, and the precision of what reaches the cut."""

    relevant: Estimate
    precision: Estimate


def precision_at(judged: Judged, share: float) -> Estimate:
    """The precision where such a share of documents is relevant.

    >>> precision = precision_at(Judged(positives=500, found=500, negatives=498, wrong=0), 0.01)
    >>> round(precision.value, 2), round(precision.low, 2), precision.high
    (0.91, 0.58, 1.0)
    """
    recall, wrong = judged.recall, judged.false_positive_rate
    return Estimate(
        _precision(share, recall.value, wrong.value),
        _precision(share, recall.low, wrong.high),
        _precision(share, recall.high, wrong.low),
    )


def in_pool(judged: Judged, reached: int, documents: int) -> InPool:
    """What a pool of documents is like of which so many reach the cut.

    >>> found = in_pool(Judged(positives=200, found=180, negatives=1000, wrong=10), reached=3000, documents=100_000)
    >>> round(found.relevant.value, 3), round(found.precision.value, 2), round(found.precision.low, 2)
    (0.022, 0.66, 0.4)
    """
    if not reached:
        return InPool(Estimate(0.0, 0.0, 1.0), Estimate(1.0, 0.0, 1.0))
    recall, wrong, kept = judged.recall, judged.false_positive_rate, reached / documents
    ends = (
        _mixture(kept, recall.value, wrong.value, unknown=0.0),
        _mixture(kept, recall.high, wrong.high, unknown=0.0),
        _mixture(kept, recall.low, wrong.low, unknown=1.0),
    )
    relevant, precision = zip(*ends, strict=True)
    return InPool(Estimate(*relevant), Estimate(*precision))


def _rate(part: int, whole: int) -> Estimate:
    return Estimate((part + 0.5) / (whole + 1), *interval(part, whole, CONFIDENCE))


def _precision(share: float, recall: float, wrong: float) -> float:
    kept = share * recall + (1 - share) * wrong
    return share * recall / kept if kept else 1.0


def _mixture(kept: float, recall: float, wrong: float, unknown: float) -> tuple[float, float]:
    """The relevant share of a pool and the precision of what is kept; unknown: both, where the cut tells nothing.

    By chance fewer reach a cut than others alone would, or more than if all were relevant.
    """
    if recall <= wrong:
        return unknown, unknown
    relevant = min(max((kept - wrong) / (recall - wrong), 0.0), 1.0)
    return relevant, max(1 - wrong * (1 - relevant) / kept, 0.0)
