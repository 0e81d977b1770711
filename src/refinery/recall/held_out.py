"""Scores of documents by fits that have not seen them, and the kind of fit whose held-out seeds rank highest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.recall.contrast import contrast
from refinery.recall.estimate import Calibration, calibrate, part, prevalence
from refinery.recall.latent import beside, folded
from refinery.recall.logistic import Line, Rows, fit
from refinery.text.elementary import logs
from refinery.text.features import Features, weigh

Array = NDArray[np.float64]
FOLDS = 5


@dataclass(frozen=True)
class Kind:
    """How rows are weighed and how coefficients are held down.

    contrasted: whether features are weighed by 1 + |contrast| beside TF-IDF; penalty: see recall.logistic; latent:
    size of rows in the latent space, beside their own, which is 1; 0 without it.
    """

    contrasted: bool
    penalty: float
    latent: float


# the first where it parts topic and pool, for what tells more of few seeds also tells them from others of their topic
PLAIN = Kind(False, 0.15, 0.0)
KINDS = (Kind(True, 0.15, 1.0), Kind(True, 0.05, 0.5), Kind(False, 0.05, 0.5))


@dataclass(frozen=True)
class Task:
    """What is fitted: float64 (documents,) labels, 0 or 1, weights, 0 of those left out; int64 folds of documents.

    beside: int64 (documents,), the fold of a document's nearest seed: what is positive on its word is not seen either
    by the fit without that seed, which would rank it the higher for it.

    inverse: document frequencies' weights by bucket, of features.inverse_frequencies; space: of latent.directions.
    """

    features: Features
    inverse: NDArray[np.float32]
    space: tuple[NDArray[np.int32], NDArray[np.float32]]
    labels: Array
    weights: Array
    folds: NDArray[np.int64]
    beside: NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """logits: float64 (documents,), each by the fit without its fold; line and weights of buckets: of all folds."""

    logits: Array
    calibration: Calibration
    line: Line
    inverse: NDArray[np.float32]


def best_fit(task: Task, seed: NDArray[np.bool_]) -> Fit:
    """The plain fit where it parts topic and pool, else the kind whose held-out seeds rank highest in the pool."""
    kind, logits = PLAIN, held_out(task, PLAIN)
    calibration = part(logits[seed], logits[~seed])
    if calibration is None:
        kind, logits = _highest(task, seed)
        calibration = calibrate(logits[seed], logits[~seed])
    line, inverse, _ = _fit(task, kind, np.ones(len(seed), np.bool_))
    return Fit(logits, calibration, line, inverse)


def _highest(task: Task, seed: NDArray[np.bool_]) -> tuple[Kind, Array]:
    """The kind whose held-out seeds rank highest, by the mean logarithm of their places, and its logits."""
    logits = [held_out(task, kind) for kind in KINDS]
    least = prevalence(logits[0][seed], logits[0][~seed]).value * float((~seed).sum())
    best = int(np.argmin([log_places(one, seed, least).mean() for one in logits]))
    return KINDS[best], logits[best]


def log_places(scores: Array, seed: NDArray[np.bool_], least: float) -> Array:
    """float64 (seeds,): ln of how many of the pool score as high as each seed, of fewer than `least` ln of that.

    The topic's own documents fill the first places, so it says nothing which of those a seed has.
    """
    pool = np.sort(scores[~seed])
    places = len(pool) - np.searchsorted(pool, scores[seed], "left")
    found: Array = logs(np.maximum(places, max(least, 1.0)).astype(np.float64))
    return found


def held_out(task: Task, kind: Kind) -> Array:
    """Logits of all documents, float64 (documents,), each by the fit without its fold."""
    logits = np.empty(len(task.labels))
    for fold in range(FOLDS):
        out = task.folds == fold
        told = (task.beside == fold) & (task.labels > 0)
        part, _, rows = _fit(task, kind, ~(out | told))
        logits[out] = part.logits(rows.take(np.flatnonzero(out)))
    return logits


def _fit(task: Task, kind: Kind, used: NDArray[np.bool_]) -> tuple[Line, NDArray[np.float32], Rows]:
    """A line, what weighs its features, and the rows weighed so."""
    inverse, space = task.inverse, task.space
    if kind.contrasted:
        members = np.where(used & (task.weights > 0), task.labels, -1.0)
        inverse = inverse * (1 + np.abs(contrast(task.features, members, len(inverse))))
    rows = Rows(task.features.bounds, task.features.buckets, weigh(task.features, inverse), len(inverse))
    chosen = np.flatnonzero(used & (task.weights > 0))
    narrow, labels, weights = rows.take(chosen), task.labels[chosen], task.weights[chosen]
    if not kind.latent:
        return fit(narrow, labels, weights, kind.penalty), inverse, rows
    wide, directions = beside(narrow, *space, kind.latent)
    return folded(fit(wide, labels, weights, kind.penalty), space[0], directions), inverse, rows
