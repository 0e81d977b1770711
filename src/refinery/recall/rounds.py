"""Rounds of recall: each fits a classifier to what the rounds before have settled and scores the sample anew.

See docs/recall.md for what was tried and what it gained. Nothing here reads a file or a text; the same sample and
settings give the same bits on every processor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError
from refinery.models.binomial import Estimate
from refinery.models.linear import LinearModel, probabilities
from refinery.recall.estimate import calibrate, share, suggest_threshold
from refinery.recall.logistic import Rows, fit
from refinery.recall.nearest import nearest
from refinery.recall.sample import Sample
from refinery.shuffle.partition import hash_numbers
from refinery.text.features import inverse_frequencies, weigh

_FOLDS, _MASS, _PENALTY = 5, 200.0, 0.1
_NEGATIVE = 0.1
NEGATIVE, OPEN, POSITIVE = -1, 0, 1  # how a document stands after a round


@dataclass(frozen=True)
class Settings:
    """rounds: at most; precision: that the suggested threshold is to reach; seed: of every random choice."""

    rounds: int = 3
    precision: float = 0.9
    seed: int = 1


@dataclass(frozen=True)
class Estimates:
    """What a round reaches, told by seeds that no fit has seen and by the estimated prevalence.

    prevalence: share of the pool's documents that are of the topic; recalled: documents of the pool at or above the
    threshold; recall: share of held-out seeds there, which takes seeds for a random draw of the topic; precision:
    prevalence times recall divided by the share recalled. similarity: of recalled documents to their nearest seed,
    the median; seed_similarity: of seeds to their nearest other seed.
    """

    prevalence: Estimate
    recalled: int
    precision: Estimate
    recall: Estimate
    similarity: float
    seed_similarity: float


@dataclass(frozen=True)
class Round:
    """What a round made.

    number: from 1; probability: float32 (documents,), calibrated, of seeds by fits that have not seen them; standing:
    int8 (documents,), POSITIVE, NEGATIVE or OPEN, what the next round takes for settled; threshold: suggested, in
    probabilities; overlap: share of the documents recalled here or before that are recalled in both, None of the
    first; stopped: why no further round is to be made, else None. A round that follows a stopped one is that one.
    """

    number: int
    probability: NDArray[np.float32]
    standing: NDArray[np.int8]
    threshold: float
    estimates: Estimates
    overlap: float | None
    stopped: str | None
    model: LinearModel
    good: bool = True


def first_round(sample: Sample, settings: Settings) -> Round:
    """From the seeds alone; raises DefinitionError where there are no seeds, or the pool has nothing but seeds."""
    pool = ~sample.seed
    if not sample.seed.any():
        raise DefinitionError("recall: no seed has a word; give documents of the topic as seeds")
    if not pool.any():
        raise DefinitionError("recall: every document of the pool is a seed; give a pool that holds others")
    return _round(sample, np.where(sample.seed, POSITIVE, OPEN).astype(np.int8), settings, None)


def next_round(sample: Sample, before: Round, settings: Settings) -> Round:
    """From what the round before has settled; that round itself where it was the last."""
    if before.stopped:
        return before
    return _round(sample, before.standing, settings, before)


def last_good(rounds: Sequence[Round]) -> Round:
    """The round whose classifier is the model: the last one that did not leave the seeds."""
    good = [one for one in rounds if one.good]
    return good[-1]


def _round(sample: Sample, standing: NDArray[np.int8], settings: Settings, before: Round | None) -> Round:
    inverse = inverse_frequencies(sample.features)
    values = weigh(sample.features, inverse)
    rows = Rows(sample.features.bounds, sample.features.buckets, values, len(inverse))
    positive, pool = standing == POSITIVE, ~sample.seed
    labels = positive.astype(np.float64)
    weights = np.where(positive, 0.5 / positive.sum(), 0.5 / max((~positive).sum(), 1)) * _MASS
    hashes = hash_numbers(sample.identities.view(np.int64), settings.seed)
    folds = (hashes % np.uint64(_FOLDS)).astype(np.int64)
    line = fit(rows, labels, weights, _PENALTY)
    logits = line.logits(rows)
    for fold in range(_FOLDS):
        out = np.flatnonzero(folds == fold)
        kept = np.flatnonzero(folds != fold)
        if positive[kept].any():
            part = fit(rows.take(kept), labels[kept], weights[kept], _PENALTY, line)
            logits[out] = part.logits(rows.take(out))
    scale, shift, prevalence = calibrate(logits[sample.seed], logits[pool])
    probability = probabilities(scale * logits + shift)
    threshold = suggest_threshold(probability[pool], settings.precision)
    recalled = pool & (probability >= threshold)
    near = nearest(rows, sample.seed)
    recall = share(int((probability[sample.seed] >= threshold).sum()), int(sample.seed.sum()))
    rate = recalled.sum() / pool.sum()
    found = Estimates(
        prevalence,
        int(recalled.sum()),
        Estimate(
            *(
                float(min(one * two / max(rate, 1e-12), 1.0))
                for one, two in (
                    (prevalence.value, recall.value),
                    (prevalence.low, recall.low),
                    (prevalence.high, recall.high),
                )
            )
        ),
        recall,
        float(np.median(near[recalled])) if recalled.any() else 0.0,
        float(np.median(near[sample.seed])),
    )
    now = np.where(sample.seed | recalled, POSITIVE, np.where(probability < _NEGATIVE, NEGATIVE, OPEN))
    number = before.number + 1 if before else 1
    overlap = None
    if before:
        earlier = pool & (before.probability >= before.threshold)
        overlap = float((earlier & recalled).sum() / max((earlier | recalled).sum(), 1))
    model = LinearModel(line.coefficients.astype(np.float32), inverse, line.bias, scale, shift)
    stopped = _stop(number, settings, found, before)
    return Round(number, probability, now.astype(np.int8), threshold, found, overlap, stopped, model)


def _stop(number: int, settings: Settings, found: Estimates, before: Round | None) -> str | None:
    if number >= settings.rounds:
        return f"round {number} is the last that was wanted"
    if before and found.recall.low <= before.estimates.recall.value <= found.recall.high:
        return "the gain of held-out seeds lies within its interval"
    return None
