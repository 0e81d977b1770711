"""A share of documents, estimated from a stratified sample, with an interval.

In a stratum each label stands for N_h / n_h documents. The variance of a share of a part of the documents (those
above a cut, say) is that of a ratio by linearisation, summed over strata (Cochran 1977, Sampling Techniques, 3rd ed.,
6.11 and 5A.14). The interval is Wilson's at the effective sample size (Franco, Little, Louis and Slud 2019, J. Survey
Statistics and Methodology 7(3), 334-364): 1 + p (1 - p) / variance, at most Kish's (sum w)^2 / sum w^2, so that it is
no point where all labels agree. A stratum that is labelled whole counts as a sample of more like it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refinery.models.binomial import Estimate
from refinery.models.metrics import DEVIATIONS, wilson


@dataclass(frozen=True)
class Shares:
    """Estimates as arrays, float64, NaN where nothing is counted."""

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def at(self, place: int) -> Estimate:
        """One of them."""
        return Estimate(float(self.value[place]), float(self.low[place]), float(self.high[place]))


def shares(hits: NDArray[Any], misses: NDArray[Any], weights: NDArray[Any], sizes: NDArray[Any]) -> Shares:
    """The share of hits among hits and misses.

    hits, misses: labels by question and stratum, [questions, strata]; weights: documents that a label of a stratum
    stands for, sizes: all labels of it, [strata]. Gives arrays [questions].

    >>> found = shares(np.array([[96]]), np.array([[4]]), np.ones(1), np.array([100])).at(0)
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.96, 0.9016, 0.9843)
    """
    counted = hits + misses
    with np.errstate(invalid="ignore", divide="ignore"):
        total = counted @ weights
        share = (hits @ weights) / total
        kish = total**2 / (counted @ weights**2)
        variance = _variance(hits, misses, share[:, None], weights, sizes) / total**2
        effective = np.fmin(kish, 1 + share * (1 - share) / variance)
        low, high = wilson(share, effective, DEVIATIONS)
    return Shares(share, np.maximum(low, 0.0), np.minimum(high, 1.0))


def _variance(
    hits: NDArray[Any],
    misses: NDArray[Any],
    share: NDArray[np.float64],
    weights: NDArray[Any],
    sizes: NDArray[Any],
) -> NDArray[np.float64]:
    """Of the sum over all labels of weight * (1 - share) for a hit, weight * -share for a miss, 0 for others."""
    squares = hits * (1 - share) ** 2 + misses * share**2
    sums = hits * (1 - share) - misses * share
    spread = np.maximum(squares - sums**2 / sizes, 0.0)
    found: NDArray[np.float64] = (spread * weights**2 * sizes / np.maximum(sizes - 1, 1)).sum(1)
    return found
