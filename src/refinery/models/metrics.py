"""How good scores are: precision and recall at every threshold, a threshold for a wanted precision, calibration.

weights: how many documents each of them stands for, float64; one where none are given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from refinery.models.card import LEAST_RECALL, Bin, Point

Scores = NDArray[np.float32] | NDArray[np.float64]
Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]
Counts = NDArray[np.int64]
DEVIATIONS = 1.959963984540054  # of a normal distribution, 95 % of which lie between -1 and 1 times that
_DEVIATIONS = 1.2815515655446004  # of a normal distribution, below which nine tenths lie
RECALL = 0.9  # at which precision is told
CURVE_RECALLS = tuple(step / 20 for step in range(1, 21))


def point(scores: NDArray[np.float32], positive: NDArray[np.bool_], threshold: float) -> Point:
    """Precision, recall and F1 of keeping scores at or above a threshold; precision of nothing kept is 1."""
    kept = scores >= np.float32(threshold)
    hits, wanted, number = int((kept & positive).sum()), int(positive.sum()), int(kept.sum())
    precision, recall = hits / number if number else 1.0, hits / wanted if wanted else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Point(threshold=float(threshold), precision=precision, recall=recall, f1=f1, kept=number)


def every_threshold(
    scores: Scores, positive: Flags, weights: Shares | None = None
) -> tuple[Scores, Shares, Shares]:
    """Thresholds (the different scores, highest first), and precision and recall at each."""
    thresholds, kept, hits = _kept(scores, positive, weights)
    return thresholds, hits / kept, hits / (hits[-1] or 1.0)


def average_precision(scores: Scores, positive: Flags, weights: Shares | None = None) -> float:
    """Precision averaged over recall (area under the step-wise precision-recall curve).

    >>> round(average_precision(np.array([3.0, 2, 1]), np.array([True, False, True])), 4)
    0.8333
    """
    _, precision, recall = every_threshold(scores, positive, weights)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def precision_at_recall(
    scores: Scores, positive: Flags, weights: Shares | None = None, recall: float = RECALL
) -> float:
    """Precision at the highest threshold with at least this recall."""
    _, precision, reached = every_threshold(scores, positive, weights)
    return float(precision[np.searchsorted(reached, recall - 1e-12)])


def auc(scores: Scores, positive: Flags, weights: Shares | None = None) -> float:
    """The share of pairs of a positive and a negative of which the positive one has the higher score, ties half.

    >>> auc(np.array([3, 2, 2, 1], np.float32), np.array([True, True, False, False]))
    0.875
    """
    _, kept, hits = _kept(scores, positive, weights)
    misses = kept - hits
    higher = (np.append(0.0, hits[:-1]) + hits) / 2
    return min(float((np.diff(misses, prepend=0.0) * higher).sum() / (hits[-1] * misses[-1])), 1.0)


def _kept(scores: Scores, positive: Flags, weights: Shares | None) -> tuple[Scores, Shares, Shares]:
    """The different scores, highest first, and how much all and positive documents weigh at or above each."""
    if weights is None:
        weights = np.ones(len(scores))
    counted = np.flatnonzero(weights > 0)
    order = counted[np.argsort(-scores[counted], kind="stable")]
    ranked, weight = scores[order], weights[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    return ranked[last], np.cumsum(weight)[last], np.cumsum(weight * positive[order])[last]


def precision_bound(precision: Shares, kept: Counts) -> Shares:
    """The precision that is had at least, with a confidence of 90 %, where so many were kept, see `wilson`.

    >>> float(round(precision_bound(np.array([1.0]), np.array([15]))[0], 3))
    0.901
    """
    return wilson(precision, kept, _DEVIATIONS)[0]


def wilson(shares: Shares, number: Shares | Counts, deviations: float) -> tuple[Shares, Shares]:
    """The interval of each share among so many, its ends so many standard deviations away.

    Wilson 1927, J. American Statistical Association 22, 209-212.
    """
    squared = deviations**2 / number
    spread = deviations * np.sqrt(shares * (1 - shares) / number + squared / (4 * number))
    middle, whole = shares + squared / 2, 1 + squared
    return (middle - spread) / whole, (middle + spread) / whole


def suggest(
    scores: NDArray[np.float32], positive: NDArray[np.bool_], precision: float
) -> tuple[Point, float]:
    """The threshold with the highest F1 among those that reach the precision, and what it reaches at least.

    What few documents reach by chance does not count: `precision_bound` must reach it. Where that leaves only
    thresholds that lose most of the domain, for few documents judge, those that keep half of it count whose precision
    reaches it. Where it does at no threshold, that with the highest F0.5 is taken. It lies midway between two scores,
    so that classes far apart get a threshold far from both.
    """
    thresholds, reached, recall = every_threshold(scores, positive)
    kept = np.searchsorted(np.sort(-scores), -thresholds, side="right")
    bounds = precision_bound(reached, kept)
    sure = (bounds >= precision) & (recall > 0)
    keeps_half = recall >= LEAST_RECALL
    likely = (reached >= precision) & keeps_half
    only_tail = sure.any() and not (sure & keeps_half).any()
    good = np.flatnonzero(likely if only_tail and likely.any() else sure)
    weight = 1.0 if len(good) else 0.25  # the square of beta
    chosen = good if len(good) else np.flatnonzero(recall > 0)
    f_score = (1 + weight) * reached[chosen] * recall[chosen] / (weight * reached[chosen] + recall[chosen])
    best = int(chosen[np.argmax(f_score)])
    below = thresholds[best + 1] if best + 1 < len(thresholds) else np.float32(0.0)
    middle = np.float32((float(thresholds[best]) + float(below)) / 2)
    threshold = float(middle if middle > below else thresholds[best])
    return point(scores, positive, threshold), float(bounds[best])


def curve(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> tuple[Point, ...]:
    """The highest threshold at which recall reaches 5 %, 10 %, ... 100 %."""
    thresholds, _, recall = every_threshold(scores, positive)
    places = {int(np.searchsorted(recall, wanted - 1e-12)) for wanted in CURVE_RECALLS}
    return tuple(point(scores, positive, float(thresholds[i])) for i in sorted(places) if i < len(thresholds))


def calibration(scores: NDArray[np.float32], positive: NDArray[np.bool_]) -> tuple[Bin, ...]:
    """Scores by tenths, those without a document left out."""
    tenth = np.minimum((scores * 10).astype(np.int64), 9)
    groups = [tenth == number for number in range(10)]
    return tuple(
        Bin(
            documents=int(g.sum()),
            mean_score=float(scores[g].mean()),
            positive_share=float(positive[g].mean()),
        )
        for g in groups
        if g.any()
    )
