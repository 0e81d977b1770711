"""Rounds of recall: each fits a classifier to what the rounds before have settled and scores the sample anew.

The first round takes seeds for positive and the pool for negative (positive-unlabelled learning: what is of the
topic in the pool is a small share of it). A later one also takes for positive what the one before recalls if it is
as near to a seed as seeds are to each other, with `rich_hosts` also what is likely by the rest of its host, and
leaves out what is open. Every score is of a fit that has not seen the document, seeds are judged so too: a round is
good when held-out seeds rank higher than by the round before, beyond chance, and not fewer of them are recalled; the
model is of the last good one. docs/recall.md has what was tried and what it gained.

Nothing here reads a file or a text. The same sample and settings give the same bits, but for the last ones, which
LAPACK makes of the latent space as the processor has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError
from refinery.models.binomial import Estimate
from refinery.models.linear import LinearModel
from refinery.models.metrics import DEVIATIONS
from refinery.recall.estimate import (
    Calibration,
    calibrate,
    reach_seeds,
    share,
    suggest_threshold,
    told_precision,
)
from refinery.recall.held_out import FOLDS, Task, fit_views, held_out, log_places
from refinery.recall.nearest import nearest
from refinery.recall.rich_hosts import in_rich_hosts
from refinery.recall.sample import Sample
from refinery.shuffle.partition import hash_numbers
from refinery.text.features import inverse_frequencies

_SEED = 2.0  # weight of a seed in a fit
_OTHERS = 20_000  # negatives of a fit at most: three times as many rank hardly better, see docs/recall.md
_NEGATIVE = 0.1  # probability below which a document is settled as negative
_FAR = 0.05  # share of seeds that are far from all others
_STRAYS = 0.4  # share of recalled documents that may be
NEGATIVE, OPEN, POSITIVE = -1, 0, 1  # how a document stands after a round


@dataclass(frozen=True)
class Settings:
    """precision, beta: of recall.estimate.suggest_threshold, whose threshold `reach_seeds` may lower.

    seed: of every random choice.
    rich_hosts: share of a host's pages that must be found for others of it to be taken for positive; None: never.
    """

    precision: float = 0.9
    beta: float = 1.0
    seed: int = 1
    rich_hosts: float | None = None


@dataclass(frozen=True)
class Estimates:
    """What a round reaches, told by seeds that no fit has seen and by the estimated prevalence.

    prevalence: share of the pool's documents that are of the topic; recalled: documents of the pool at or above the
    threshold; recall: share of held-out seeds there, which takes seeds for a random draw of the topic; precision: by
    prevalence and recall, see recall.estimate. similarity: of recalled documents to their nearest seed,
    the median; seed_similarity: of seeds to their nearest other seed; strays: share of recalled documents that are
    farther from all seeds than nineteen of twenty seeds are from the others.
    """

    prevalence: Estimate
    recalled: int
    precision: Estimate
    recall: Estimate
    similarity: float
    seed_similarity: float
    strays: float


@dataclass(frozen=True)
class Round:
    """What a round made.

    number: from 1; probability: float32 (documents,), calibrated, of seeds by fits that have not seen them; standing:
    int8 (documents,), POSITIVE, NEGATIVE or OPEN, what the next round takes for settled; threshold: suggested, in
    probabilities; overlap: share of the documents recalled here or before that are recalled in both, None of the
    first; by_hosts: documents that it took for positive by their hosts, None where it was not to; stopped: why no
    further round is to be made, else None: a round that follows a stopped one is that one.
    """

    number: int
    probability: NDArray[np.float32]
    standing: NDArray[np.int8]
    threshold: float
    estimates: Estimates
    overlap: float | None
    by_hosts: int | None
    stopped: str | None
    model: LinearModel

    @property
    def good(self) -> bool:
        """Whether its model may serve: it was no reason to stop."""
        return self.stopped is None


def first_round(sample: Sample, settings: Settings) -> Round:
    """From the seeds alone; raises DefinitionError where there are no seeds, or the pool has nothing but seeds."""
    pool = ~sample.seed
    if not sample.seed.any():
        raise DefinitionError("recall: no seed has a word; give documents of the topic as seeds")
    if not pool.any():
        raise DefinitionError("recall: every document of the pool is a seed; give a pool that holds others")
    return _round(sample, settings, None)


def next_round(sample: Sample, before: Round, settings: Settings) -> Round:
    """From what the round before has settled; that round itself where it was the last."""
    if before.stopped:
        return before
    return _round(sample, settings, before)


def _round(sample: Sample, settings: Settings, before: Round | None) -> Round:
    pool = ~sample.seed
    hashes = hash_numbers(sample.identities.view(np.int64), settings.seed)
    folds = (hashes % np.uint64(FOLDS)).astype(np.int64)
    inverse = inverse_frequencies(sample.features)
    near, which = nearest(sample.features, inverse, sample.seed)
    beside = np.where(sample.seed, folds, folds[which])
    standing, by_hosts = _standing_before(sample, settings, before)
    labels = (standing == POSITIVE).astype(np.float64)
    weights = _weights(sample.seed, standing)
    task = Task(sample.features, pool, inverse, labels, weights, folds, beside)
    logits = held_out(task)
    calibration = calibrate(logits[sample.seed], logits[pool])
    probability = calibration.probabilities(logits)
    suggested = suggest_threshold(probability[pool], settings.precision, settings.beta)
    threshold = reach_seeds(suggested, probability[sample.seed])
    recalled = pool & (probability >= threshold)
    estimates = _estimate(probability, sample.seed, recalled, calibration, near, threshold)
    usual = float(np.median(near[sample.seed]))
    sure = sample.seed | (recalled & (near >= usual))
    now = np.where(sure, POSITIVE, np.where(probability < _NEGATIVE, NEGATIVE, OPEN)).astype(np.int8)
    number, overlap, stopped = 1, None, None
    if before:
        number = before.number + 1
        gain = _gain(sample.seed, before.probability, probability, calibration.prevalence)
        stopped = _stop(estimates, before.estimates, gain)
        earlier = pool & (before.probability >= before.threshold)
        overlap = float((earlier & recalled).sum() / max((earlier | recalled).sum(), 1))
    fitted = fit_views(task, np.ones(len(sample), np.bool_))
    words, by_contrast, places = fitted.lines
    model = LinearModel(
        np.stack([words.coefficients, by_contrast.coefficients], axis=1).astype(np.float32),
        np.stack([inverse, fitted.contrasted], axis=1),
        words.bias + by_contrast.bias + places.bias,
        task.space,
        places.coefficients.astype(np.float32),
        calibration.scale,
        calibration.shift,
    )
    return Round(number, probability, now, threshold, estimates, overlap, by_hosts, stopped, model)


def _standing_before(
    sample: Sample, settings: Settings, before: Round | None
) -> tuple[NDArray[np.int8], int | None]:
    """How documents stand before a round, and how many of them are positive by their hosts."""
    if before is None:
        return np.where(sample.seed, POSITIVE, OPEN).astype(np.int8), None
    if settings.rich_hosts is None:
        return before.standing, None
    pool, standing = ~sample.seed, before.standing.copy()
    probability = before.probability[pool]
    chosen = np.zeros(len(sample), np.bool_)
    chosen[pool] = in_rich_hosts(
        sample.hosts[pool],
        probability >= before.threshold,
        probability,
        float(probability.mean(dtype=np.float64)),
        settings.rich_hosts,
    )
    chosen &= standing != POSITIVE
    standing[chosen] = POSITIVE
    return standing, int(chosen.sum())


def _weights(seed: NDArray[np.bool_], standing: NDArray[np.int8]) -> NDArray[np.float64]:
    """A seed weighs _SEED, what else is positive together at most as much as all seeds, what is negative as all that.

    Open documents weigh nothing, or are negative where nothing else is. Of the negatives the first _OTHERS count: the
    order is one of hashes.
    """
    more, other = (standing == POSITIVE) & ~seed, standing == NEGATIVE
    if not other.any():
        other = standing == OPEN
    other &= np.cumsum(other) <= _OTHERS
    weights = np.where(seed, _SEED, 0.0)
    weights[more] = min(_SEED * seed.sum() / max(more.sum(), 1), _SEED)
    weights[other] = weights.sum() / max(other.sum(), 1)
    return weights


def _estimate(
    probability: NDArray[np.float32],
    seed: NDArray[np.bool_],
    recalled: NDArray[np.bool_],
    calibration: Calibration,
    near: NDArray[np.float32],
    threshold: float,
) -> Estimates:
    prevalence, pool = calibration.prevalence, int((~seed).sum())
    seeds, others = probability[seed], probability[~seed]
    hits = int((seeds >= threshold).sum())
    few = max(prevalence.value * pool / 2, 1.0)  # of the topic in the pool, of which rather too many are told
    recall = share(hits, len(seeds), few)
    far = float(np.quantile(near[seed], _FAR))
    return Estimates(
        prevalence,
        int(recalled.sum()),
        told_precision(calibration, seeds, others, threshold, few),
        recall,
        float(np.median(near[recalled])) if recalled.any() else 0.0,
        float(np.median(near[seed])),
        float((near[recalled] < far).mean()) if recalled.any() else 0.0,
    )


def _gain(
    seed: NDArray[np.bool_],
    before: NDArray[np.float32],
    now: NDArray[np.float32],
    prevalence: Estimate,
) -> Estimate:
    """How much higher held-out seeds rank than in the round before, in logarithms of places: the mean of pairs."""
    least = prevalence.value * float((~seed).sum())
    earlier, later = (log_places(scores.astype(np.float64), seed, least) for scores in (before, now))
    gains = earlier - later
    spread = DEVIATIONS * float(gains.std()) / max(len(gains) - 1, 1) ** 0.5
    return Estimate(float(gains.mean()), float(gains.mean()) - spread, float(gains.mean()) + spread)


def _stop(found: Estimates, before: Estimates, gain: Estimate) -> str | None:
    """Why a round is not good, and no other follows; None of a good one."""
    if found.strays > _STRAYS:
        return f"it left its seeds: {found.strays:.0%} of what it recalls is farther from them than seeds are"
    if gain.low <= 0:
        higher = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        return f"held-out seeds rank no higher than a round before, beyond chance: {higher}"
    if found.recall.high < before.recall.low:
        shares = f"{found.recall.value:.0%} where the round before finds {before.recall.value:.0%}"
        return f"it finds fewer of the held-out seeds, beyond chance: {shares}"
    return None
