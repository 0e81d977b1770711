"""What a model card says of scores of held-out documents, whole and by source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from refinery.models import metrics
from refinery.models.card import ExpectedPrecision, Judgement, SourceJudgement
from refinery.models.prevalence import SHARES, Judged, precision_at

PARTS = ("negative", "positive")


def judge(
    scores: NDArray[np.float32],
    positive: NDArray[np.bool_],
    precision: float,
    sources: Sequence[str] = (),
    source: NDArray[np.int64] | None = None,
    left_out: NDArray[np.bool_] | None = None,
    *,
    chances: bool = True,
) -> Judgement:
    """Judges scores of held-out documents of both classes; precision: that the suggested threshold is to reach.

    source: of each document, its number in `sources`; left_out: whether what scored it had seen none of its source;
    chances: whether scores are probabilities, which can be calibrated.
    """
    suggested, bound = metrics.suggest(scores, positive, precision)
    reached = scores >= np.float32(suggested.threshold)
    found, wrong = int((reached & positive).sum()), int((reached & ~positive).sum())
    cut = Judged(int(positive.sum()), found, int((~positive).sum()), wrong)
    expected = ((share, precision_at(cut, share)) for share in SHARES)
    none = np.zeros(len(scores), np.bool_)
    by_source = (
        ()
        if source is None
        else _by_source(scores, positive, reached, sources, source, none if left_out is None else left_out)
    )
    return Judgement(
        wanted_precision=precision,
        suggested=suggested,
        precision_bound=bound,
        at_half=metrics.point(scores, positive, 0.5),
        auc=metrics.auc(scores, positive),
        average_precision=metrics.average_precision(scores, positive),
        false_positive_rate=wrong / cut.negatives,
        curve=metrics.curve(scores, positive),
        calibration=metrics.calibration(scores, positive) if chances else (),
        expected=tuple(
            ExpectedPrecision(share=share, precision=one.value, low=one.low, high=one.high)
            for share, one in expected
        ),
        judged=tuple(by_source),
    )


def _by_source(
    scores: NDArray[np.float32],
    positive: NDArray[np.bool_],
    reached: NDArray[np.bool_],
    sources: Sequence[str],
    source: NDArray[np.int64],
    left_out: NDArray[np.bool_],
) -> Iterator[SourceJudgement]:
    for part in (1, 0):
        of_part = positive == bool(part)
        for number in np.unique(source[of_part]).tolist():
            mine = of_part & (source == number)
            both = mine | ~of_part
            yield SourceJudgement(
                part=PARTS[part],
                source=sources[number],
                held_out=int(mine.sum()),
                left_out=bool(left_out[mine].any()),
                reached=float(reached[mine].mean()),
                average_precision=metrics.average_precision(scores[both], positive[both]),
            )
