"""What scores of held-out seeds and of a pool say: the topic's prevalence, probabilities, a threshold.

Seeds are positives alone, so no negative is known for certain. They are taken for a random draw of the topic: recall
at a threshold is the share of held-out seeds above it. The pool's share above a threshold is at least prevalence
times recall, so their ratio bounds the prevalence from above, and is near it where a classifier has a pure top: there
the prevalence is taken (best bin estimation: Garg, Wu, Balakrishnan and Lipton 2021, arXiv 2111.00980). How pure a
top is no seed tells, nor whether they are a random draw: intervals are wider by what draws of labelled topics showed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.models.binomial import Estimate
from refinery.models.linear import probabilities
from refinery.models.metrics import DEVIATIONS, wilson
from refinery.recall.logistic import Line, Rows, fit

Array = NDArray[np.float64]
_EXPECTATIONS = 20
# factor by which the truth of labelled topics lay beyond an interval of chance, nine times of ten
_BEYOND = 1.3
# expected F1 from which on topic and pool lie apart: that of the hard topics of docs/recall.md stays below 0.9
_PARTED = 0.95
_LEAST_ABOVE = 0.9  # of the seeds, above what parts topic and pool
_FEW, _PLACES = 10, 400  # documents of a side that show no density; logits that are tried
_LEAST = 0.5  # of the seeds, that the prevalence is told by: the fewest of them are there by luck


def share(hits: int, number: int) -> Estimate:
    """A share of so many, with Wilson's interval."""
    value = np.array([hits / number])
    low, high = wilson(value, np.array([number]), DEVIATIONS)
    return Estimate(float(value[0]), float(low[0]), float(high[0]))


def prevalence(seeds: Array, pool: Array) -> Estimate:
    """Of the topic in the pool, by logits of held-out seeds and of the pool's documents.

    The interval is Wilson's of the recall, and on both sides wider by what no seed can tell.
    """
    cuts = np.sort(seeds)[::-1]
    recall = np.arange(1, len(cuts) + 1) / len(cuts)
    above = len(pool) - np.searchsorted(np.sort(pool), cuts, "left")
    low, high = wilson(recall, np.full(len(cuts), float(len(cuts))), DEVIATIONS)
    best = int(np.argmin(np.where(recall >= _LEAST, above / low, np.inf)))
    rate = above[best] / len(pool)
    parts = (recall[best], high[best] * _BEYOND, low[best] / _BEYOND)
    return Estimate(*(float(min(rate / part, 1.0)) for part in parts))


@dataclass(frozen=True)
class Calibration:
    """A document of the pool with a logit is of the topic with probability 1 / (1 + e^-(scale logit + shift))."""

    scale: float
    shift: float
    prevalence: Estimate

    def probabilities(self, logits: Array) -> NDArray[np.float32]:
        """float32 (documents,)."""
        return probabilities(self.scale * logits + self.shift)


def calibrate(seeds: Array, pool: Array) -> Calibration:
    """By expectation maximisation, so that as much of the pool is of the topic as `prevalence` says."""
    found = prevalence(seeds, pool)
    line = _maximise(seeds, pool, found.value)
    return Calibration(float(line.coefficients[0]), line.bias, found)


def calibrate_at_gap(seeds: Array, pool: Array) -> Calibration | None:
    """The probabilities where topic and others lie apart, so that hardly a document is in doubt; else None.

    Logits that hardly a document has tell the prevalence better than few seeds do: it is what lies above them of the
    pool by what does of the seeds. The probability there is one half, be the lowest seed ever so far above.
    """
    first = calibrate(seeds, pool)
    if first.scale <= 0:
        return None
    gap = _sparsest(pool, -first.shift / first.scale)
    recall, rate = share(int((seeds >= gap).sum()), len(seeds)), float((pool >= gap).mean())
    if recall.value < _LEAST_ABOVE:
        return None
    told, doubt = rate / recall.value, recall.value / recall.low
    found = Estimate(*(min(one, 1.0) for one in (told, told / doubt, told * doubt)))
    scale = float(_maximise(seeds, pool, found.value).coefficients[0])
    parted = Calibration(scale, -scale * gap, found)
    return parted if expected_f1(parted.probabilities(pool)) >= _PARTED else None


def _sparsest(pool: Array, cut: float) -> float:
    """The logit that fewest have about it, of those from the middle of what lies below a cut up to the cut."""
    ranked = np.sort(pool)
    sides = np.split(ranked, [np.searchsorted(ranked, cut, "left")])
    if min(map(len, sides)) < _FEW:
        return cut
    reach = min(map(_bandwidth, sides))
    places = np.linspace(float(np.median(sides[0])), cut, _PLACES)
    about = np.searchsorted(ranked, places + reach, "right") - np.searchsorted(ranked, places - reach, "left")
    fewest = places[about == about.min()]
    return float(fewest[len(fewest) // 2])


def _bandwidth(values: Array) -> float:
    """Of a uniform kernel, by the rule of thumb of Silverman 1986 (Density estimation, section 3.4.2)."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(3**0.5 * 0.9 * min(values.std(), (high - low) / 1.349) * len(values) ** -0.2)


def _maximise(seeds: Array, pool: Array, prevalence: float) -> Line:
    """Logits' line to probabilities: seeds against the pool, of which as much is of the topic as it finds itself."""
    logits = np.concatenate([seeds, pool])
    rows = Rows(np.arange(len(logits) + 1), np.zeros(len(logits), np.uint32), logits.astype(np.float32), 1)
    labels = np.concatenate([np.ones(len(seeds)), np.zeros(len(pool))])
    chances, line = np.full(len(pool), prevalence), Line(np.zeros(1), 0.0)
    for _ in range(_EXPECTATIONS):
        weights = np.concatenate([np.full(len(seeds), prevalence * len(pool) / len(seeds)), 1 - chances])
        line = fit(rows, labels, weights, 1e-3, line)
        chances = probabilities(line.logits(rows)[len(seeds) :]).astype(np.float64)
    return line


def suggest_threshold(pool: NDArray[np.float32], precision: float, beta: float = 1.0) -> float:
    """The probability above which F-beta is greatest in the pool, of those above which precision is reached.

    Precision is the mean probability there, recall the share of all probability. Where no threshold reaches the
    precision, it is the highest probability. It lies midway between two probabilities.
    """
    ranked, hits, kept = _expected(pool)
    good = np.flatnonzero(hits >= precision * kept)
    chosen = good if len(good) else np.zeros(1, np.int64)
    best = int(chosen[np.argmax(hits[chosen] / (kept[chosen] + beta**2 * hits[-1]))])
    return float((ranked[best] + np.append(ranked, 0.0)[best + 1]) / 2)


def expected_f1(pool: NDArray[np.float32]) -> float:
    """The greatest F1 of any threshold, as the pool's probabilities promise: near 1 where hardly one is in doubt."""
    _, hits, kept = _expected(pool)
    return float((2 * hits / (kept + hits[-1])).max())


def _expected(pool: NDArray[np.float32]) -> tuple[Array, Array, NDArray[np.int64]]:
    """Probabilities, the highest first, and of thresholds next below each the documents of the topic and all."""
    ranked = np.sort(pool)[::-1].astype(np.float64)
    return ranked, np.cumsum(ranked), np.arange(1, len(ranked) + 1)
