"""Scores of documents by fits that have not seen them, and the fit to all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.recall.contrast import contrast
from refinery.recall.latent import beside
from refinery.recall.logistic import Line, Rows, fit
from refinery.text.elementary import logs
from refinery.text.features import Features, weigh

Array = NDArray[np.float64]
FOLDS = 5
PENALTY = 0.15
LATENT = 0.5  # length of a place beside a row, which has length 1


@dataclass(frozen=True)
class Task:
    """What is fitted: float64 (documents,) labels, 0 or 1, weights, 0 of those left out; int64 folds of documents.

    beside: int64 (documents,), the fold of a document's nearest seed: what is positive on its word is not seen either
    by the fit without that seed, which would rank it the higher for it.

    inverse: document frequencies' weights by bucket, of features.inverse_frequencies; places: in the latent space,
    float32 (documents, directions).
    """

    features: Features
    inverse: NDArray[np.float32]
    places: NDArray[np.float32]
    labels: Array
    weights: Array
    folds: NDArray[np.int64]
    beside: NDArray[np.int64]


@dataclass(frozen=True)
class Fit:
    """logits: float64 (documents,), each by the fit without its fold; the rest is of all folds.

    line: over buckets; latent: float32 (directions,), over places; inverse: weights of buckets.
    """

    logits: Array
    line: Line
    latent: NDArray[np.float32]
    inverse: NDArray[np.float32]


def fit_all(task: Task) -> Fit:
    """The fit to all documents, and their logits by fits that have not seen them."""
    line, inverse, _ = _fit(task, np.ones(len(task.labels), np.bool_))
    width = len(inverse)
    latent = (line.coefficients[width:] * LATENT).astype(np.float32)
    return Fit(held_out(task), Line(line.coefficients[:width], line.bias), latent, inverse)


def log_places(scores: Array, seed: NDArray[np.bool_], least: float) -> Array:
    """float64 (seeds,): ln of how many of the pool score as high as each seed, of fewer than `least` ln of that.

    The topic's own documents fill the first places, so it says nothing which of those a seed has.
    """
    pool = np.sort(scores[~seed])
    places = len(pool) - np.searchsorted(pool, scores[seed], "left")
    found: Array = logs(np.maximum(places, max(least, 1.0)).astype(np.float64))
    return found


def held_out(task: Task) -> Array:
    """Logits of all documents, float64 (documents,), each by the fit without its fold."""
    logits = np.empty(len(task.labels))
    for fold in range(FOLDS):
        out = task.folds == fold
        told = (task.beside == fold) & (task.labels > 0)
        part, _, rows = _fit(task, ~(out | told))
        logits[out] = part.logits(_wide(task, rows, np.flatnonzero(out)))
    return logits


def _fit(task: Task, used: NDArray[np.bool_]) -> tuple[Line, NDArray[np.float32], Rows]:
    """A line over rows and places, what weighs features, and the rows weighed so."""
    members = np.where(used & (task.weights > 0), task.labels, -1.0)
    inverse = task.inverse * (1 + np.abs(contrast(task.features, members, len(task.inverse))))
    rows = Rows(task.features.bounds, task.features.buckets, weigh(task.features, inverse), len(inverse))
    chosen = np.flatnonzero(used & (task.weights > 0))
    line = fit(_wide(task, rows, chosen), task.labels[chosen], task.weights[chosen], PENALTY)
    return line, inverse, rows


def _wide(task: Task, rows: Rows, chosen: NDArray[np.int64]) -> Rows:
    return beside(rows.take(chosen), task.places[chosen] * np.float32(LATENT))
