"""How two classes of examples differ in what is no topic: in style and in language.

A model of classes that differ so may have learned that, and numbers from the same sources do not tell. Style is how
a text is set: length, lines, punctuation, capitals, digits. How far it alone tells the classes apart is the AUC, on
held-out documents, of a logistic regression over tenths of each of these columns.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refinery.models.metrics import auc
from refinery.models.model_file import BUILT_IN
from refinery.text.batch import TextBatch

if TYPE_CHECKING:
    from refinery.text.stopwords import StopWords

COUNTED = ("words", "lines")
SHARES = (
    "mean_line_length", "line_punct_ratio", "short_line_ratio", "bullet_line_ratio", "upper_ratio", "digit_ratio",
    "punct_ratio", "whitespace_ratio", "bracket_ratio", "ellipsis_ratio",
)  # fmt: skip
STYLE = (*COUNTED, *SHARES)
MOST = 20_000  # examples that teach it, and that judge it
SAMPLED = 200  # examples of a class whose language is looked at
_TENTHS = np.arange(0.1, 1, 0.1)
_WHOLE = 1 << 16  # bytes of a text that the language is asked of at once
_STEPS, _PENALTY = 12, 1.0  # of Newton's method


def style(texts: TextBatch) -> NDArray[np.float32]:
    """How texts, as they are read, are set: float32 (documents, STYLE)."""
    from refinery.text.signal_columns import COUNT, RATIO
    from refinery.text.signals import measure

    counts, ratios = measure(texts, _no_stop_words(), 0)
    chosen = (
        counts[:, [getattr(COUNT, name) for name in COUNTED]],
        ratios[:, [getattr(RATIO, name) for name in SHARES]],
    )
    return np.concatenate(chosen, axis=1, dtype=np.float32)


def style_auc(columns: NDArray[np.float32], positive: NDArray[np.bool_], held: NDArray[np.bool_]) -> float:
    """How well style alone tells classes apart; positive, held: of each row. Both classes are on both sides."""
    taught, judging = (_some(np.flatnonzero(side)) for side in (~held, held))
    cuts = np.quantile(columns[taught], _TENTHS, axis=0, method="lower")
    weights = _logistic(_tenths(columns[taught], cuts), positive[taught])
    return auc((_tenths(columns[judging], cuts) @ weights).astype(np.float32), positive[judging])


def main_language(texts: TextBatch, chosen: NDArray[np.bool_]) -> tuple[str, float]:
    """The most frequent language among the first of the chosen texts, by lid.176, and its share of them."""
    from refinery.models.scorer import load_scorer

    scorer = load_scorer(BUILT_IN)
    places = np.flatnonzero(chosen)[:SAMPLED]
    each = np.arange(len(scorer.labels))
    each.flags.writeable = False
    labels = scorer.top(TextBatch.from_arrow(texts.to_arrow().take(places)), each, each, _WHOLE).label
    counts = np.bincount(labels[labels >= 0], minlength=len(each))
    return scorer.labels[counts.argmax()].removeprefix("__label__"), float(counts.max() / len(places))


@cache
def _no_stop_words() -> StopWords:
    from refinery.text.stopwords import compile_lists

    return compile_lists({})


def _some(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """MOST of the places at most, evenly spread."""
    return places[:: -(-len(places) // MOST) or 1]


def _tenths(columns: NDArray[np.float32], cuts: NDArray[np.float32]) -> NDArray[np.float64]:
    """For each column and cut whether a document lies above it, and a constant."""
    above = (columns[:, None, :] > cuts[None]).reshape(len(columns), -1)
    return np.concatenate([above, np.ones((len(columns), 1), np.bool_)], axis=1).astype(np.float64)


def _logistic(features: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights of a logistic regression with a small ridge penalty, by Newton's method."""
    from refinery.text.elementary import exps

    weights = np.zeros(features.shape[1])
    ridge = _PENALTY * np.eye(len(weights))
    for _ in range(_STEPS):
        chance = 1 / (1 + exps(-np.clip(features @ weights, -30, 30)))
        slope = features.T @ (chance - positive) + _PENALTY * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + ridge
        weights -= np.linalg.solve(curve, slope)
    return weights
