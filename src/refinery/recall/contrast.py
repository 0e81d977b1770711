"""How much a feature tells a topic from its pool: the signed root of the likelihood ratio G2.

With few seeds most coefficients of a classifier are guesses. Rows in which features that seeds have unusually often
(or seldom) weigh more leave it less to guess: Wang and Manning 2012 (ACL, P12-2018) scale by log ratios of counts;
the root of G2 (Dunning 1993, Computational Linguistics 19, 61-74) grows with the evidence too, so that a rare word of
one seed counts less than a common one of half of them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from refinery.text.elementary import log
from refinery.text.features import Features


def contrast(found: Features, members: NDArray[np.float64], buckets: int) -> NDArray[np.float32]:
    """float32 (buckets,): how surely the members' share with a feature differs from all documents'; its sign too.

    members: float64 (documents,), 1 of a member of the topic, 0 of others, between them of doubtful ones.
    """
    having = np.zeros((2, buckets))
    _count(found.bounds, found.buckets, members, having)
    signs = np.empty(buckets, np.float32)
    _roots(having, float(members.sum()), float(len(members)), signs)
    return signs


@njit(cache=True, nogil=True)
def _count(bounds, buckets, members, having):  # type: ignore[no-untyped-def]
    for row in range(len(bounds) - 1):
        for i in range(bounds[row], bounds[row + 1]):
            having[0, buckets[i]] += members[row]
            having[1, buckets[i]] += 1.0


@njit(cache=True, nogil=True)
def _roots(having, members, documents, signs):  # type: ignore[no-untyped-def]
    for bucket in range(len(signs)):
        with_it, expected = having[0, bucket], (having[1, bucket] + 0.5) / (documents + 1.0)
        if having[1, bucket] == 0 or members == 0:
            signs[bucket] = 0.0
            continue
        share = min(with_it / members, 1.0)
        total = 0.0
        if share > 0:
            total += share * log(share / expected)
        if share < 1:
            total += (1 - share) * log((1 - share) / (1 - expected))
        root = np.sqrt(max(2 * members * total, 0.0))
        signs[bucket] = np.float32(root if share > expected else -root)
