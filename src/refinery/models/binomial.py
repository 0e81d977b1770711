"""What a share found among so many says of the true one: exact bounds (Clopper and Pearson, Biometrika 26, 1934)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.9  # of an upper bound, and of an interval with both ends


@dataclass(frozen=True)
class Estimate:
    """A number and the ends of the interval that has the true one in it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@cache
def upper_bound(lost: int, documents: int, confidence: float = CONFIDENCE) -> float:
    """The share that is lost at most, of so many documents so many were.

    >>> round(upper_bound(0, 300), 5), round(upper_bound(3, 100), 4)
    (0.00765, 0.0656)
    """
    if lost >= documents:
        return 1.0
    low, high = lost / documents, 1.0  # between them lies the share at which so few are as likely as that
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(lost, documents, middle) > 1 - confidence else (low, middle)
    return high


def interval(lost: int, documents: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The shares between which the true one lies, with as much on either side left out."""
    side = (1 + confidence) / 2
    return 1 - upper_bound(documents - lost, documents, side), upper_bound(lost, documents, side)


def _at_most(lost: int, documents: int, share: float) -> float:
    """The probability of so many lost documents or fewer."""
    from refinery.text.elementary import exps, log  # a check imports no Numba

    kept = documents - np.arange(lost + 1)
    return float(
        exps(_log_choose(documents, lost) + np.arange(lost + 1) * log(share) + kept * log(1 - share)).sum()
    )


@lru_cache(maxsize=2)  # one is asked for again and again while a bound is searched
def _log_choose(documents: int, most: int) -> NDArray[np.float64]:
    """Logarithms of the binomial coefficients of 0 to `most`."""
    from refinery.text.elementary import logs  # a check imports no Numba

    k = np.arange(1.0, most + 1)
    return np.append(0.0, np.cumsum(logs(documents - k + 1) - logs(k)))
