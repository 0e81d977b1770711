"""Scores side by side, by people's labels: AUC, average precision, precision at 90 % recall, and what they share.

Labels count by the documents that they stand for. Intervals are those of a bootstrap by strata: of n_h labels n_h - 1
are drawn anew, each counting n_h / (n_h - 1) (Rao and Wu 1988, J. American Statistical Association 83, 231-241);
differences are of the same draws. Normalised mutual information is that of 20 buckets of equal documents each, over
the mean of both entropies; few labels make it large by chance, so what shuffled labels give stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from refinery.labels.file import Labels, score_of
from refinery.labels.gold_hosts import GoldRecall
from refinery.labels.threshold import pass_rate, refuse_one_class
from refinery.models.binomial import Estimate
from refinery.models.metrics import auc, average_precision, precision_at_recall
from refinery.models.prevalence import CONFIDENCE
from refinery.shuffle.partition import hash_numbers
from refinery.text.elementary import logs

BUCKETS = 20
REPLICATES, SHUFFLES = 500, 50

Floats = NDArray[np.float64]
Metric = Callable[[Floats, NDArray[np.bool_], Floats], float]


@dataclass(frozen=True)
class Score:
    """How well a column ranks what people want; ahead: its average precision less the first column's."""

    column: str
    auc: Estimate
    average_precision: Estimate
    precision_at_recall: Estimate
    ahead: Estimate | None
    without: int


@dataclass(frozen=True)
class Pair:
    """Normalised mutual information of two columns, and the mean of shuffled ones."""

    columns: tuple[str, str]
    nmi: float
    by_chance: float


@dataclass(frozen=True)
class Comparison:
    """Scores in the order that was asked for, and each pair of them, by so many labels; without labels none.

    speeds: bytes of text a second and core, by column that a run measures, timed on this machine; gold: recall on
    gold hosts of a run.
    """

    scores: tuple[Score, ...] = ()
    pairs: tuple[Pair, ...] = ()
    passing: Estimate | None = None
    labels: int = 0
    notes: tuple[str, ...] = ()
    speeds: Mapping[str, float] = field(default_factory=dict)
    gold: GoldRecall | None = None


def compare_scores(labels: Labels, columns: Sequence[str] = ()) -> Comparison:
    """How well columns rank what people want; columns: by default all scores of the file.

    Raises InputError for a column that is not there and where all labels are the same.
    """
    names = list(dict.fromkeys(score_of(labels, name) for name in columns)) or list(labels.scores)
    passing = pass_rate(labels)
    refuse_one_class(labels, passing)
    weights = labels.weights[labels.stratum]
    draws = [weights, *(weights * drawn for drawn in _replicates(labels))]
    draws = [one for one in draws if one[labels.positive].any() and one[~labels.positive].any()]
    metrics: tuple[Metric, ...] = (auc, average_precision, precision_at_recall)
    found = {name: _each(metrics, labels.scores[name], labels.positive, draws) for name in names}
    first = found[names[0]][1]
    scores = [
        Score(
            column=name,
            auc=_estimate(areas),
            average_precision=_estimate(averages),
            precision_at_recall=_estimate(precisions),
            ahead=_estimate(averages - first) if name != names[0] else None,
            without=int(np.isneginf(labels.scores[name]).sum()),
        )
        for name, (areas, averages, precisions) in found.items()
    ]
    pairs = [_pair(labels, pair, weights) for pair in combinations(names, 2)]
    return Comparison(
        tuple(scores), tuple(pairs), passing, len(weights), (*labels.notes(), *_score_notes(scores))
    )


def nmi(first: Floats, second: Floats, weights: Floats) -> float:
    """Mutual information of the buckets of two scores over the mean of their entropies; 0 where one has one bucket.

    >>> nmi(np.arange(40.0), -np.arange(40.0), np.ones(40)), nmi(np.arange(40.0), np.ones(40), np.ones(40))
    (1.0, 0.0)
    """
    return _nmi(_buckets(first, weights), _buckets(second, weights), weights)


def _each(
    metrics: Sequence[Metric], scores: Floats, positive: NDArray[np.bool_], draws: Sequence[Floats]
) -> list[Floats]:
    return [np.array([metric(scores, positive, weights) for weights in draws]) for metric in metrics]


def _replicates(labels: Labels) -> list[Floats]:
    """How often each label counts, by replicate; a stratum's only one always once."""
    sizes, members = labels.sizes, np.argsort(labels.stratum, kind="stable")
    starts = np.cumsum(sizes) - sizes
    found = []
    for number in range(REPLICATES):
        counts = np.ones(len(labels.stratum))
        for stratum, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
            if size > 1:
                numbers = hash_numbers(np.arange(size - 1), number * len(sizes) + stratum << 32)
                drawn = np.bincount((numbers % np.uint64(size)).astype(np.int64), minlength=size)
                counts[members[start : start + size]] = drawn * (size / (size - 1))
        found.append(counts)
    return found


def _estimate(values: Floats) -> Estimate:
    """The first is that of the labels themselves, the others are replicates."""
    side = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values[1:], [side, 1 - side]) if len(values) > 1 else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))


def _pair(labels: Labels, columns: tuple[str, str], weights: Floats) -> Pair:
    first, second = (_buckets(labels.scores[name], weights) for name in columns)
    numbers = np.arange(len(weights))
    shuffled = [
        second[np.argsort(hash_numbers(numbers, seed << 32), kind="stable")]
        for seed in range(1, SHUFFLES + 1)
    ]
    chance = float(np.mean([_nmi(first, one, weights) for one in shuffled]))
    return Pair(columns, _nmi(first, second, weights), chance)


def _buckets(scores: Floats, weights: Floats) -> NDArray[np.int64]:
    """The bucket of each document, int64 below BUCKETS: by the share of documents with lower scores."""
    values, place = np.unique(scores, return_inverse=True)
    each = np.bincount(place, weights, minlength=len(values))
    below = (np.cumsum(each) - each) / each.sum()
    bucket: NDArray[np.int64] = np.minimum(below * BUCKETS + 1e-9, BUCKETS - 1).astype(np.int64)
    return bucket[place]


def _nmi(first: NDArray[np.int64], second: NDArray[np.int64], weights: Floats) -> float:
    joint = np.bincount(first * BUCKETS + second, weights, minlength=BUCKETS**2).reshape(BUCKETS, BUCKETS)
    joint = joint / joint.sum()
    rows, columns = joint.sum(1), joint.sum(0)
    entropy = (_entropy(rows) + _entropy(columns)) / 2
    shared = _entropy(rows) + _entropy(columns) - _entropy(joint.ravel())
    return min(max(shared / entropy, 0.0), 1.0) if min(_entropy(rows), _entropy(columns)) > 0 else 0.0


def _entropy(shares: Floats) -> float:
    there = shares[shares > 0]
    return float(-(there * logs(there)).sum())


def _score_notes(scores: Sequence[Score]) -> list[str]:
    lower = [f"{one.column}: low values are better, see `derive`" for one in scores if one.auc.high < 0.5]
    none = [f"{one.column}: {one.without:,} without a value, which is below all values" for one in scores]
    return lower + [note for note, one in zip(none, scores, strict=True) if one.without]
