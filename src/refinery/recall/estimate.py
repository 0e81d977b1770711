"""What scores of held-out seeds and of a pool say: the topic's prevalence, probabilities, a threshold.

Seeds are positives alone, so no negative is known for certain. They are taken for a random draw of the topic: recall
at a threshold is the share of held-out seeds above it. The pool's share above a threshold is at least prevalence
times recall, so their ratio bounds the prevalence from above, and is near it where a classifier has a pure top (best
bin estimation: Garg, Wu, Balakrishnan and Lipton 2021, arXiv 2111.00980). Where the top is impure, a mixture of the
seeds' density and a background with an exponential tail is nearer, and too low where seeds lie deep in that: told is
the geometric mean of the two. How pure a top is no seed tells, nor whether they are a random draw: intervals are as
wide as the errors over draws of labelled topics were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.models.binomial import Estimate
from refinery.models.linear import probabilities
from refinery.models.metrics import DEVIATIONS, wilson
from refinery.recall.logistic import Line, Rows, fit
from refinery.text.elementary import exps

Array = NDArray[np.float64]
_EXPECTATIONS = 20
# factor by which the truth of labelled topics lay beyond an interval of chance, nine times of ten
_BEYOND = 1.3
# expected F1 from which on topic and pool lie apart: that of the hard topics of docs/recall.md stays below 0.9
_PARTED = 0.95
_LEAST_ABOVE = 0.9  # of the seeds, above what parts topic and pool
_FEW, _PLACES = 10, 400  # documents of a side that show no density; logits that are tried
_LEAST = 0.5  # of the seeds, that the prevalence is bounded by: the fewest of them are there by luck
_MIDDLE, _TAIL = 0.5, 0.1587  # of the background, above its middle and a deviation more, as if normal
# of the exponential tail, a deviation: what pools of all labelled topics had, and documents that it counts for
_DECAY, _USUAL = 1.3, 50.0
_STEPS, _GRID = 60, 600  # of the mixture's fit; logits at which the density of seeds is found
_LEAST_MIXED = 0.2  # of the bound, below which the mixture only shows that it cannot tell
_REACHED = 0.4  # of the seeds, at or above a threshold at least
_MOST = 2 / 3  # power of a share that it may be as high as
_PURE = 0.9  # precision where all that lies above a threshold seems to be of the topic
_DOUBT = 0.6  # power of a share by which it, or the odds of a precision, may be lower: the rarer, the more


def share(hits: int, number: int, other: float = np.inf) -> Estimate:
    """A share of so many, with Wilson's interval: of what is drawn from, or of another draw of so many documents."""
    value = np.array([hits / number])
    low, high = wilson(value, np.array([1 / (1 / number + 1 / other)]), DEVIATIONS)
    return Estimate(float(value[0]), float(low[0]), float(high[0]))


def prevalence(seeds: Array, pool: Array) -> Estimate:
    """Of the topic in the pool, by logits of held-out seeds and of the pool's documents.

    The rarer it seems, the wider the interval: rather too much is told than too little.
    """
    most = _bound(seeds, pool)
    told = max((most.value * _mixed(seeds, pool)) ** 0.5, _LEAST_MIXED * most.value)
    return Estimate(told, min(most.low, told ** (1 + _DOUBT)), max(most.high, told**_MOST))


def _mixed(seeds: Array, pool: Array) -> float:
    """The share of a mixture that has the seeds' density, by expectation maximisation.

    The others' tail is exponential from a deviation above their middle on; below that no document is of the topic.
    """
    ranked, number = np.sort(pool), len(pool)
    density = _density(seeds, ranked)
    chances, part = np.zeros(number), 0.01
    for _ in range(_STEPS):
        weights = 1 - chances
        ranks = np.cumsum(weights) / weights.sum()
        middle, edge = ranked[np.minimum(np.searchsorted(ranks, [_MIDDLE, 1 - _TAIL]), number - 1)]
        tail = ranked >= edge
        beyond, weights = ranked[tail] - edge, weights[tail]
        usual = _USUAL * max(edge - middle, 1e-9) / _DECAY
        decay = (weights.sum() + _USUAL) / ((weights * beyond).sum() + usual)
        others = (1 - part) * _TAIL * decay * exps(-decay * beyond)
        chances[:] = 0
        chances[tail] = part * density[tail] / (part * density[tail] + others + 1e-300)
        above = max(float((seeds >= edge).mean()), 1 / len(seeds))
        part = min(max(float(chances.sum()) / number / above, 0.1 / number), 0.95)  # it cannot leave 0 and 1
    return part


def _density(values: Array, places: Array) -> Array:
    """Of values at sorted places, with a normal kernel by the rule of thumb of `_bandwidth`."""
    width = max(_spread(values), 1e-9)
    grid = np.linspace(places[0], max(places[-1], values.max()), _GRID)
    found = np.zeros(_GRID)
    for value in values:
        found += exps(-0.5 * ((grid - value) / width) ** 2)
    density: Array = np.interp(places, grid, found / (len(values) * width * (2 * np.pi) ** 0.5))
    return density


def _bound(seeds: Array, pool: Array) -> Estimate:
    """The prevalence at most; the interval is Wilson's of the recall, and wider by what no seed can tell."""
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
    """A document of the pool with a logit is of the topic with probability 1 / (1 + e^-(scale logit + shift)).

    parted: whether topic and others lie apart. Where they do not, the pool's probabilities add up to the bound of the
    prevalence and not to the told one.
    """

    scale: float
    shift: float
    prevalence: Estimate
    parted: bool = False

    def probabilities(self, logits: Array) -> NDArray[np.float32]:
        """float32 (documents,)."""
        return probabilities(self.scale * logits + self.shift)


def calibrate(seeds: Array, pool: Array) -> Calibration:
    """At the gap between topic and others where they lie apart; else as much of the pool is of the topic as may be.

    By the share that is told fewer documents would reach a wanted precision: a cut would lose more recall than it
    gains.
    """
    line = _maximise(seeds, pool, _bound(seeds, pool).value)
    scale = float(line.coefficients[0])
    at_gap = _calibrate_at_gap(seeds, pool, -line.bias / scale) if scale > 0 else None
    return at_gap or Calibration(scale, line.bias, prevalence(seeds, pool))


def _calibrate_at_gap(seeds: Array, pool: Array, most: float) -> Calibration | None:
    """The probabilities where hardly a document is in doubt, by a gap at the logit `most` or below; else None.

    Logits that hardly a document has tell the prevalence better than few seeds do: it is what lies above them of the
    pool by what does of the seeds. The probability there is one half, be the lowest seed ever so far above.
    """
    gap = _sparsest(pool, most)
    recall, rate = share(int((seeds >= gap).sum()), len(seeds)), float((pool >= gap).mean())
    if recall.value < _LEAST_ABOVE:
        return None
    told, doubt = rate / recall.value, recall.value / recall.low
    found = Estimate(*(min(one, 1.0) for one in (told, told / doubt, told * doubt)))
    scale = float(_maximise(seeds, pool, found.value).coefficients[0])
    parted = Calibration(scale, -scale * gap, found, parted=True)
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
    return 3**0.5 * _spread(values)


def _spread(values: Array) -> float:
    """Of a normal kernel, by the same rule."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(0.9 * min(values.std(), (high - low) / 1.349) * len(values) ** -0.2)


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


def told_precision(
    found: Calibration, seeds: NDArray[np.float32], pool: NDArray[np.float32], threshold: float, other: float
) -> Estimate:
    """Of what lies at or above a threshold, by probabilities of held-out seeds and of the pool.

    other: documents of the topic in the pool, as of `share`. The greatest of the threshold and of lower ones that
    seeds have, for a higher one keeps no less pure text: by its few seeds alone it may seem to.
    """
    cuts = np.append(np.unique(seeds[seeds < threshold]), np.float32(threshold))
    hits = len(seeds) - np.searchsorted(np.sort(seeds), cuts, "left")
    rates = 1 - np.searchsorted(np.sort(pool), cuts, "left") / len(pool)
    told = [
        precision(found, share(int(count), len(seeds), other), float(rate))
        for count, rate in zip(hits, rates, strict=True)
    ]
    return Estimate(*(max(part) for part in zip(*((t.value, t.low, t.high) for t in told), strict=True)))


def precision(found: Calibration, recall: Estimate, rate: float) -> Estimate:
    """Of what lies above a threshold, `rate` of the pool: prevalence times recall divided by the rate.

    Where topic and others overlap no seed tells how many others lie above: it is less by a factor, and its odds may
    be lower by a power of the rate.
    """
    prevalence, rate = found.prevalence, max(rate, 1e-12)
    pairs = (
        (prevalence.value, recall.value),
        (prevalence.low, recall.low),
        (prevalence.high, recall.high),
    )
    told = Estimate(*(min(one * two / rate, 1.0) for one, two in pairs))
    if found.parted:
        return told
    value = _PURE * told.value
    odds = value / (1 - value) * rate**_DOUBT
    return Estimate(value, odds / (1 + odds), told.high)


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


def reach_seeds(threshold: float, seeds: NDArray[np.float32]) -> float:
    """The threshold, or a lower one that two of five held-out seeds reach by their probabilities, not below 0.5.

    Where a precision begins few seeds tell by chance: one draw of a topic loses most of it, another hardly any.
    """
    return min(threshold, max(float(np.quantile(seeds, 1 - _REACHED, method="lower")), 0.5))


def expected_f1(pool: NDArray[np.float32]) -> float:
    """The greatest F1 of any threshold, as the pool's probabilities promise: near 1 where hardly one is in doubt."""
    _, hits, kept = _expected(pool)
    return float((2 * hits / (kept + hits[-1])).max())


def _expected(pool: NDArray[np.float32]) -> tuple[Array, Array, NDArray[np.int64]]:
    """Probabilities, the highest first, and of thresholds next below each the documents of the topic and all."""
    ranked = np.sort(pool)[::-1].astype(np.float64)
    return ranked, np.cumsum(ranked), np.arange(1, len(ranked) + 1)
