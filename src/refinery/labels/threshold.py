"""A cut of a score that people's labels support: for a precision, or the greatest F-beta.

A cut keeps what lies at or above it. For a precision it is, of the cuts that reach it, the one of greatest
recall, and of those of equal recall the highest; F-beta with a small beta asks for precision without naming it, as
FinePDFs does with .1 among cuts of a recall of .1 or more (huggingface/finepdfs, thresholds/find_th.py). A cut is
chosen by what labels say of it, so its precision is a little better here than among other labels: the cut whose
interval lies above the precision is given as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

import numpy as np
from numpy.typing import NDArray

from refinery.errors import DefinitionError, InputError
from refinery.labels.estimate import Shares, shares
from refinery.labels.file import Labels, score_of
from refinery.models.binomial import Estimate

PRECISION = 0.9
LEAST_RECALL = 0.1  # of the cut with the greatest F-beta
_SHOWN = 20  # cuts of the table
_ROUNDING = 1e-12  # nine of ten are .9, whatever they weigh


@dataclass(frozen=True)
class Cut:
    """What documents at or above `value` are like; kept: their share of all, labels: of how many it is told."""

    value: str
    precision: Estimate
    recall: Estimate
    kept: float
    labels: int


@dataclass(frozen=True)
class Threshold:
    """The cut of a column, and what is known of others.

    rule: SQL to paste, None where no cut reaches the precision; certain: the one chosen in the same way among
    cuts whose interval of precision lies above the wanted one; passing: the share of all documents that people
    want; cuts: the best and others from the top down; documents: that the labels stand for.
    """

    column: str
    rule: str | None
    chosen: Cut | None
    certain: Cut | None
    precision: float | None
    beta: float | None
    passing: Estimate
    labels: int
    documents: float
    cuts: tuple[Cut, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Curve:
    """All cuts, the highest first: what a document at `values` has is kept, what one at `below` has is not."""

    values: NDArray[np.float64]
    below: NDArray[np.float64]
    precision: Shares
    recall: Shares
    kept: NDArray[np.float64]
    labels: NDArray[np.int64]

    def cut(self, place: int) -> Cut:
        return Cut(
            shortest(float(self.below[place]), float(self.values[place])),
            self.precision.at(place),
            self.recall.at(place),
            float(self.kept[place]),
            int(self.labels[place]),
        )


def find_threshold(
    labels: Labels, column: str | None = None, precision: float | None = None, beta: float | None = None
) -> Threshold:
    """Of cuts that reach the precision the one of greatest recall, or with `beta` of greatest F-beta.

    column: by default what the sample was drawn over; precision: by default PRECISION, with `beta` none. Raises
    InputError where all labels are the same, DefinitionError for numbers that no precision or beta has.
    """
    if precision is not None and not 0 < precision <= 1:
        raise DefinitionError(f"--precision {precision}: expected a share above 0, such as 0.9")
    if beta is not None and not (beta > 0 and np.isfinite(beta)):
        raise DefinitionError(f"--beta {beta}: expected a number above 0, such as 0.1")
    wanted = PRECISION if precision is None and beta is None else precision
    column = score_of(labels, column)
    passing = pass_rate(labels)
    refuse_one_class(labels, passing)
    curve = _curve(labels, labels.scores[column])
    best = _choose(curve, wanted, beta)
    chosen = curve.cut(best) if best is not None else None
    sure = _most_recall(curve, curve.precision.low >= wanted) if wanted is not None else None
    return Threshold(
        column=column,
        rule=f"{column} >= {chosen.value}" if chosen else None,
        chosen=chosen,
        certain=curve.cut(sure) if sure is not None else None,
        precision=wanted,
        beta=beta,
        passing=passing,
        labels=len(labels.positive),
        documents=float(labels.documents.sum()),
        cuts=tuple(curve.cut(place) for place in _shown(curve, best)),
        notes=tuple(labels.notes()),
    )


def pass_rate(labels: Labels) -> Estimate:
    """The share of all documents that people want."""
    hits = _by_stratum(labels, labels.positive)
    return shares(hits[None], (labels.sizes - hits)[None], labels.weights, labels.sizes).at(0)


def refuse_one_class(labels: Labels, passing: Estimate) -> None:
    """Raises InputError unless some documents are labelled yes and some no."""
    if labels.positive.all() or not labels.positive.any():
        word = "yes" if labels.positive.all() else "no"
        problem = f"all {len(labels.positive):,} labels are {word}"
        hint = f"of all documents {passing.low:.1%} to {passing.high:.1%} pass; label some of the others too"
        raise InputError("label", problem, hint)


def shortest(below: float, value: float) -> str:
    """The shortest number above `below` and not above `value`: as a rule it keeps the same of these two.

    >>> shortest(0.4291, 0.43127), shortest(49.0, 50.0), shortest(-1.25, -1.2), shortest(1.5e-7, 2e-7)
    ('0.43', '50', '-1.2', '0.0000002')
    """
    exact = Decimal(repr(value))
    for digits in range(40):
        short = exact.quantize(Decimal(1).scaleb(-digits), ROUND_FLOOR)
        if float(short) > below:
            return f"{short:f}"
    return f"{exact:f}"


def _by_stratum(labels: Labels, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(labels.stratum[which], minlength=len(labels.documents))


def _curve(labels: Labels, scores: NDArray[np.float64]) -> _Curve:
    """Of every score that a label has; raises nothing: some are positive and some are not."""
    order = np.argsort(-scores, kind="stable")
    ranked, positive = scores[order], labels.positive[order]
    one_hot = labels.stratum[order][:, None] == np.arange(len(labels.documents))
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True) & np.isfinite(ranked))
    hits = np.cumsum(one_hot & positive[:, None], axis=0)
    misses = np.cumsum(one_hot & ~positive[:, None], axis=0)
    weights, sizes = labels.weights, labels.sizes
    return _Curve(
        values=ranked[last],
        below=np.append(ranked[1:], -np.inf)[last],
        precision=shares(hits[last], misses[last], weights, sizes),
        recall=shares(hits[last], hits[-1] - hits[last], weights, sizes),
        kept=(hits + misses)[last] @ weights / labels.documents.sum(),
        labels=last + 1,
    )


def _choose(curve: _Curve, precision: float | None, beta: float | None) -> int | None:
    reached, recall = curve.precision.value, curve.recall.value
    good = (reached >= (precision or 0.0) - _ROUNDING) & (recall > 0)
    if beta is not None:
        good &= recall >= LEAST_RECALL - _ROUNDING
    if beta is None:
        return _most_recall(curve, good)
    there = np.flatnonzero(good)
    if not len(there):
        return None
    p, r = reached[there], recall[there]
    return int(there[np.argmax((1 + beta**2) * p * r / (beta**2 * p + r))])


def _most_recall(curve: _Curve, which: NDArray[np.bool_]) -> int | None:
    """The highest of those cuts whose recall is the greatest: a lower one would only add what nobody wants."""
    recall = np.where(which, curve.recall.value, -np.inf)
    return int(np.argmax(recall >= recall.max() - _ROUNDING)) if which.any() else None


def _shown(curve: _Curve, best: int | None) -> list[int]:
    """Cuts at equal steps of the labels above them, and the best one."""
    steps = np.linspace(0, curve.labels[-1], _SHOWN + 1)[1:]
    places = set(np.searchsorted(curve.labels, steps - 1e-9).tolist())
    return sorted(places | ({best} if best is not None else set()))
