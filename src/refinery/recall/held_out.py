"""Scores of documents by fits that have not seen them: each the sum of three lines over views of the documents.

The views are words weighed by TF-IDF; the same weighed by contrast too, so that what surely tells the topic from the
pool counts for more; and the place in a latent space, by which what seeds say of a word says something of words in
the same documents. Each line is fitted alone and counted in deviations of its logits in the pool, so that none
outvotes the others: where one view errs, the others seldom err on the same documents. The more seeds, the more the
first view counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from refinery.models.space import Space
from refinery.recall.contrast import contrast
from refinery.recall.latent import dense_rows, latent_space
from refinery.recall.logistic import Line, Rows, fit, weigh_rows, weighed_blocks
from refinery.text.elementary import logs
from refinery.text.features import Features

Array = NDArray[np.float64]
FOLDS = 5
# chosen, as what the views are, on thirteen of the topics of docs/recall.md
_PENALTY = 0.15  # of coefficients, see recall.logistic
_SHARES = (1.0, 1.0, 0.5)  # of the lines over words, over words by contrast and over places
_PLACED = 20_000  # documents of which the latent space is, at most
_GUESSED = 50  # seeds up to which the last two count so much; they are for what few seeds leave open


@dataclass(frozen=True)
class Task:
    """What is fitted: float64 (documents,) labels, 0 or 1, weights, 0 of those left out; int64 folds of documents.

    beside: int64 (documents,), the fold of a document's nearest seed: what is positive on its word is not seen either
    by the fit without that seed, which would rank it the higher for it.

    pool: bool (documents,), the others are seeds; inverse: document frequencies' weights by bucket, of
    features.inverse_frequencies.
    """

    features: Features
    pool: NDArray[np.bool_]
    inverse: NDArray[np.float32]
    labels: Array
    weights: Array
    folds: NDArray[np.int64]
    beside: NDArray[np.int64]

    @cached_property
    def space(self) -> Space:
        """The latent space of the documents, evenly of seeds and pool where they are many."""
        documents = len(self.labels)
        most = min(documents, _PLACED)
        evenly = np.arange(most) * documents // most
        return latent_space(weigh_rows(self.features.take(evenly), self.inverse), self.inverse)

    @cached_property
    def places(self) -> Rows:
        """In the latent space."""
        return dense_rows(self.space.places(self.features))


@dataclass(frozen=True)
class Fit:
    """The sum of lines.

    lines: over words, words by contrast, and places, counted as in the sum; contrasted: float32 (buckets,), what
    weighs features in the second; logits: float64 (documents,).
    """

    lines: tuple[Line, Line, Line]
    contrasted: NDArray[np.float32]
    logits: Array


def fit_views(task: Task, used: NDArray[np.bool_]) -> Fit:
    """Of the documents that are to be used, bool (documents,), and are not left out."""
    chosen = np.flatnonzero(used & (task.weights > 0))
    placed, seen, labels = task.places, task.features.take(chosen), task.labels[chosen]
    contrasted = task.inverse * (1 + np.abs(contrast(seen, labels, len(task.inverse))))

    def views() -> Iterator[tuple[Rows, Iterable[Rows]]]:  # one after the other in memory
        for inverse in (task.inverse, contrasted):
            yield weigh_rows(seen, inverse), weighed_blocks(task.features, inverse)
        yield placed.take(chosen), [placed]

    guessed = min(1.0, _GUESSED / max(int((~task.pool).sum()), 1))
    shares = np.multiply(_SHARES, (1, guessed, guessed)).tolist()
    lines, total = [], np.zeros(len(used))
    for (rows, blocks), share in zip(views(), shares, strict=True):
        line = fit(rows, labels, task.weights[chosen], _PENALTY)
        logits = np.concatenate([line.logits(block) for block in blocks])
        mean, spread = float(logits[task.pool].mean()), float(logits[task.pool].std())
        part = share / spread if spread > 0 else 0.0
        lines.append(Line(line.coefficients * part, (line.bias - mean) * part))
        total += (logits - mean) * part
    words, by_contrast, places = lines
    return Fit((words, by_contrast, places), contrasted, total)


def held_out(task: Task) -> Array:
    """Logits of all documents, float64 (documents,), each by the fit without its fold."""
    logits = np.empty(len(task.labels))
    for fold in range(FOLDS):
        out = task.folds == fold
        told = (task.beside == fold) & (task.labels > 0)
        logits[out] = fit_views(task, ~(out | told)).logits[out]
    return logits


def log_places(scores: Array, seed: NDArray[np.bool_], least: float) -> Array:
    """float64 (seeds,): ln of how many of the pool score as high as each seed, of fewer than `least` ln of that.

    The topic's own documents fill the first places, so it says nothing which of those a seed has.
    """
    pool = np.sort(scores[~seed])
    places = len(pool) - np.searchsorted(pool, scores[seed], "left")
    found: Array = logs(np.maximum(places, max(least, 1.0)).astype(np.float64))
    return found
