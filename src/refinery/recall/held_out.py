"""Scores of documents by fits that have not seen them, and the choice of plain or full features for the fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from refinery.models.space import Space, no_space
from refinery.recall.contrast import contrast
from refinery.recall.estimate import Calibration, calibrate, calibrate_at_gap
from refinery.recall.latent import beside, latent_space
from refinery.recall.logistic import Line, Rows, fit, weigh_rows
from refinery.text.elementary import logs
from refinery.text.features import Features

Array = NDArray[np.float64]
FOLDS = 5
_PENALTY = 0.15  # of coefficients, see recall.logistic; with FULL chosen on the topics of docs/recall.md


@dataclass(frozen=True)
class Kind:
    """How rows are weighed.

    contrasted: whether features are weighed by 1 + |contrast| beside TF-IDF; latent: length of a document's place in
    the latent space, beside its row, whose length is 1; 0 without it.
    """

    contrasted: bool
    latent: float


# the first where it parts topic and pool, for what tells more of few seeds also tells them from others of their topic
PLAIN, FULL = Kind(False, 0.0), Kind(True, 0.5)


@dataclass(frozen=True)
class Task:
    """What is fitted: float64 (documents,) labels, 0 or 1, weights, 0 of those left out; int64 folds of documents.

    beside: int64 (documents,), the fold of a document's nearest seed: what is positive on its word is not seen either
    by the fit without that seed, which would rank it the higher for it.

    inverse: document frequencies' weights by bucket, of features.inverse_frequencies; rows: of documents by these.
    """

    features: Features
    inverse: NDArray[np.float32]
    rows: Rows
    labels: Array
    weights: Array
    folds: NDArray[np.int64]
    beside: NDArray[np.int64]

    @cached_property
    def space(self) -> Space:
        """The latent space of the documents, found if a kind of fit looks at it."""
        return latent_space(self.rows, self.inverse)

    @cached_property
    def places(self) -> NDArray[np.float32]:
        """In the latent space, float32 (documents, directions)."""
        return self.space.places(self.features)


@dataclass(frozen=True)
class Fit:
    """logits: float64 (documents,), each by the fit without its fold; the rest is of all folds.

    line: over buckets; inverse: weights of buckets; space: of no direction where places in it are not looked at;
    latent: float32 (directions,), over places.
    """

    logits: Array
    calibration: Calibration
    line: Line
    inverse: NDArray[np.float32]
    space: Space
    latent: NDArray[np.float32]


def best_fit(task: Task, seed: NDArray[np.bool_]) -> Fit:
    """The plain fit where it parts topic and pool, else the full one."""
    kind, logits = PLAIN, held_out(task, PLAIN)
    calibration = calibrate_at_gap(logits[seed], logits[~seed])
    if calibration is None:
        kind, logits = FULL, held_out(task, FULL)
        calibration = calibrate(logits[seed], logits[~seed])
    line, inverse, _ = _fit(task, kind, np.ones(len(seed), np.bool_))
    width = len(inverse)
    latent = (line.coefficients[width:] * kind.latent).astype(np.float32)
    space = task.space if kind.latent else no_space(width.bit_length() - 1)
    return Fit(logits, calibration, Line(line.coefficients[:width], line.bias), inverse, space, latent)


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
        line, _, rows = _fit(task, kind, ~(out | told))
        logits[out] = line.logits(_chosen(task, kind, rows, np.flatnonzero(out)))
    return logits


def _fit(task: Task, kind: Kind, used: NDArray[np.bool_]) -> tuple[Line, NDArray[np.float32], Rows]:
    """A line over buckets and places, what weighs features, and the rows of all documents weighed so."""
    inverse, rows = task.inverse, task.rows
    if kind.contrasted:
        members = np.where(used & (task.weights > 0), task.labels, -1.0)
        inverse = inverse * (1 + np.abs(contrast(task.features, members, len(inverse))))
        rows = weigh_rows(task.features, inverse)
    chosen = np.flatnonzero(used & (task.weights > 0))
    narrow = _chosen(task, kind, rows, chosen)
    return fit(narrow, task.labels[chosen], task.weights[chosen], _PENALTY), inverse, rows


def _chosen(task: Task, kind: Kind, rows: Rows, chosen: NDArray[np.int64]) -> Rows:
    """Some of the rows, with places beside them."""
    narrow = rows.take(chosen)
    return beside(narrow, task.places[chosen] * np.float32(kind.latent)) if kind.latent else narrow
