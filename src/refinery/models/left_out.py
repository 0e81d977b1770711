"""Held-out documents scored by models that have seen nothing of their source.

Where a class comes from several sources, what tells them from the other class may be the source and not the topic.
So each source is left out in turn, as far as enough of its class remains, and what is held out of it is scored by a
model of the rest: cut, calibration and all numbers are then those of documents from elsewhere. Sources beyond FOLDS
are left out together with others. Such models learn from MOST examples at most.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
MOST = 20_000
LEAST, LEAST_SHARE = 20, 0.25  # of a class that must remain to be learned from
IN_SIGHT = -1  # of a source that is not left out

Floats = NDArray[np.float32]


def source_folds(
    source: NDArray[np.int64], positive: NDArray[np.bool_], held: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """The fold with which each example is left out, int64, IN_SIGHT where it is not; source, positive, held: of each.

    The largest sources come first, each into the fold that has least of both classes.
    """
    number = int(source.max(initial=0)) + 1
    counts = np.stack([np.bincount(source[kind & ~held], minlength=number) for kind in (~positive, positive)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    sizes = np.zeros((min(FOLDS, number), 2))
    fold_of = np.zeros(number, np.int64)
    for one in np.argsort(-shares.sum(axis=0), kind="stable"):
        fold_of[one] = np.argmin(sizes.sum(axis=1))
        sizes[fold_of[one]] += shares[:, one]
    remain = (1 - sizes) * counts.sum(axis=1)
    apart = (sizes > 0) & (1 - sizes >= LEAST_SHARE) & (remain >= LEAST)
    fold = fold_of[source]
    return np.where(apart[fold, positive.astype(np.int64)], fold, IN_SIGHT)


def score_left_out(
    folds: NDArray[np.int64],
    held: NDArray[np.bool_],
    scores: Floats,
    learn: Callable[[NDArray[np.bool_]], Callable[[NDArray[np.bool_]], Floats]],
) -> Floats:
    """Scores of the held-out examples, in their order, those that are left out by a model without their fold.

    scores: of all held-out examples by the model itself; learn: makes, of the examples that are chosen, what scores
    others.
    """
    found = scores.copy()
    for fold in np.unique(folds[folds != IN_SIGHT]):
        taught = np.flatnonzero(~held & (folds != fold))
        chosen = np.zeros(len(folds), np.bool_)
        chosen[taught[:: -(-len(taught) // MOST)]] = True
        judged = held & (folds == fold)
        if judged.any():
            found[judged[held]] = learn(chosen)(judged)
    return found
