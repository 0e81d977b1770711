"""How much of trusted text is lost, and how much of it at most, as far as a sample can tell.

Of documents the bounds are exact, see models.binomial; of tokens they are those of a bootstrap over documents, which
a document enters Poisson(1) times (Chamandy et al. 2012), by a hash of its identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, factorial

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from refinery.models.binomial import CONFIDENCE, upper_bound
from refinery.shuffle.partition import hash_numbers

REPLICATES = 200
_NONE = np.empty(0, np.int64)


def most_lost(documents: int, lose: float) -> int:
    """Of so many documents those that may be lost so that the bound is `lose` at most; -1: too few to tell.

    >>> most_lost(1000, 0.01), most_lost(230, 0.01), most_lost(228, 0.01)
    (5, 0, -1)
    """
    low, high = -1, ceil(documents * lose)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if upper_bound(middle, documents) <= lose else (low, middle - 1)
    return low


@dataclass(frozen=True)
class TokenBound:
    """The share of tokens that is lost at most.

    weighted: float64 (REPLICATES, documents), the tokens of documents that may be lost times how often each is in a
    replicate; totals, lost_anyway: float64 (REPLICATES,), of all documents and of those that are lost in any case.
    """

    weighted: NDArray[np.float64]
    totals: NDArray[np.float64]
    lost_anyway: NDArray[np.float64]

    def lost(self, documents: NDArray[np.int64]) -> NDArray[np.float64]:
        """Tokens of documents in each replicate."""
        found: NDArray[np.float64] = self.weighted[:, documents].sum(axis=1)
        return found

    def share(self, lost: NDArray[np.float64] | float = 0.0, confidence: float = CONFIDENCE) -> float:
        """The share that is lost at most, where these, as `lost` gives them, go beside those that go anyway."""
        whole = np.maximum(self.totals, 1)
        return float(np.quantile((lost + self.lost_anyway) / whole, confidence, method="higher"))


def token_bound(
    identities: NDArray[np.uint64],
    tokens: NDArray[np.float64],
    anyway: NDArray[np.bool_],
    watched: NDArray[np.int64] = _NONE,
) -> TokenBound:
    """The bound for documents by identity; watched: positions of those of which each may be lost."""
    from refinery.text.elementary import exp  # a check imports no Numba

    totals, lost_anyway = np.empty(REPLICATES), np.empty(REPLICATES)
    weighted = np.empty((REPLICATES, len(watched)))
    limits = np.cumsum([exp(-1.0) / factorial(k) for k in range(12)])
    for replicate in range(REPLICATES):
        hashes = hash_numbers(identities.view(np.int64), xxh3_64_intdigest(b"bootstrap %d" % replicate))
        drawn = np.searchsorted(limits, hashes / 2.0**64) * tokens
        totals[replicate], lost_anyway[replicate] = drawn.sum(), drawn[anyway].sum()
        weighted[replicate] = drawn[watched]
    return TokenBound(weighted, totals, lost_anyway)


def least_documents(lose: float) -> int:
    """The fewest documents by which one can tell that at most a share is lost, if none of them is.

    >>> least_documents(0.01)
    230
    """
    from refinery.text.elementary import log  # a check imports no Numba

    return ceil(log(1 - CONFIDENCE) / log(1 - lose)) if lose < 1 else 1
