"""Quality-aware upsampling: the better a document, the more often it is written.

Documents are ordered by quality from the worst, t = 0, to the best, t = 1, of all their tokens X. With a budget of
Z tokens, R = Z / X, and the worst share a discarded, those of the bucket from u to v are written

    R (g(v) - g(u)) / (v - u) times,  g(t) = ((t - a) / (1 - a))^q,  0 below a,

so that the budget is spent exactly and better buckets are written at least as often as worse ones. The power q is
that by which the best bucket, the last 1 / BUCKETS of the tokens, is written M times, as often as is allowed. None is
there where the documents that are kept would be written R / (1 - a) > M times on average. (Olmo 3, arXiv 2512.13961,
section 3.4.4 and appendix A.2.4, with f = C t^p e^(lambda t) above a; this is the form for lambda = 0.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from refinery.definition.values import as_percentage
from refinery.errors import InputError

BUCKETS = 20


@dataclass(frozen=True)
class Curve:
    """ratio: R, tokens wanted of each that is there; discard: a; most: times that a document is written at most."""

    ratio: float
    discard: float
    most: int

    @property
    def edges(self) -> tuple[float, ...]:
        """Where buckets begin, from the second on: the first is what is discarded, if anything is.

        >>> Curve(1.0, 0.85, 7).edges
        (0.85, 0.9, 0.95)
        """
        inner = (n / BUCKETS for n in range(1, BUCKETS))
        return (self.discard,) * (self.discard > 0) + tuple(edge for edge in inner if edge > self.discard)

    @property
    def power(self) -> float:
        """q; infinite where the best bucket alone has the whole budget within what is allowed."""
        from refinery.text.elementary import log  # to check a definition imports no Numba

        width = 1 / BUCKETS
        below, rest = (1 - width - self.discard) / (1 - self.discard), 1 - self.most * width / self.ratio
        if below <= 0:
            return 1.0
        return max(float(log(rest) / log(below)), 1.0) if rest > 0 else np.inf

    def integral(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """g, the share of the budget that is spent on what is worse: float64, as `at`, from 0 to 1."""
        from refinery.text.elementary import exps, logs

        kept = np.clip((at - self.discard) / (1 - self.discard), 0.0, 1.0)
        found = (kept >= 1).astype(np.float64)
        if np.isfinite(power := self.power):
            found[kept > 0] = exps(power * logs(kept[kept > 0]))
        return found

    def factors(self, starts: NDArray[np.float64]) -> NDArray[np.float64]:
        """How often documents are written by bucket: float64, one more than `starts`, where all but the first begin.

        >>> Curve(1.0, 0.5, 2).factors(np.array([0.5, 0.75])).tolist()
        [0.0, 2.0, 2.0]
        """
        bounds = np.concatenate([[0.0], starts, [1.0]])
        widths = np.diff(bounds)
        spent = self.ratio * np.diff(self.integral(bounds))
        found = np.divide(spent, widths, out=np.zeros(len(widths)), where=widths > 0)
        return np.minimum(found, self.most)


def fit(wanted: int, there: int, discard: float, most: int) -> Curve:
    """The curve that spends `wanted` tokens on documents that have `there`; raises InputError where there is none."""
    if there == 0:
        raise InputError("select.curve", "no document with tokens arrives", "look at the rules above it")
    ratio = wanted / there
    if ratio <= most * (1 - discard) * (1 + 1e-9):  # what is told to be enough is
        return Curve(ratio, discard, most)
    kept = there * (1 - discard)
    problem = (
        f"{wanted:,} tokens of the {there:,} that arrive, without the worst {as_percentage(discard)}, would be "
        f"written {wanted:,} / ({there:,} x (1 - {discard:g})) = {ratio / (1 - discard):.2f} times on average, which "
        f"is more than `most_repeats: {most}`"
    )
    less = int(1000 * (1 - ratio / most)) / 10
    ways = [
        f"ask for at most {int(most * kept):,} tokens",
        *([f"discard at most {less:.1f}%"] if less > 0 else []),
        f"allow {int(np.ceil(ratio / (1 - discard)))} repeats",
    ]
    raise InputError("select.curve", problem, ", or ".join(ways))


def warnings_of(curve: Curve) -> tuple[str, ...]:
    """That the best bucket alone has the budget, so that nothing else is written."""
    if np.isfinite(curve.power):
        return ()
    alone, average = curve.ratio * BUCKETS, curve.ratio / (1 - curve.discard)
    low, high = max(1, int(np.ceil(average))), int(np.ceil(alone)) - 1
    if low > high:  # the budget is less than the best bucket
        share = as_percentage(curve.most / BUCKETS)
        way = f"more than {share} of the tokens that arrive, as `tokens`, are spent on others too"
    else:
        times = f"{low} to {high}" if low < high else f"{low}"
        way = f"`most_repeats` of {times} spends the budget on others too"
    return (
        f"the curve writes only the best {1 / BUCKETS:.0%}, {alone:.2f} times each, which is within `most_repeats: "
        f"{curve.most}`: {way}",
    )
