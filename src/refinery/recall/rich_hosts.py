"""Pages that are of the domain by what was found of the rest of their host.

DeepSeekMath (arXiv 2402.03300, section 2.1) takes up domains of which more than a tenth was collected, and has people
choose paths in them. Here a page's own score chooses: it is taken if it is likelier than not of the domain, given its
words and, in place of the share of the domain in the pool, that in its host.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 5  # other pages of a host, below which their share says nothing


def in_rich_hosts(
    hosts: NDArray[np.int32],
    found: NDArray[np.bool_],
    probability: NDArray[np.float32],
    prevalence: float,
    share: float,
) -> NDArray[np.bool_]:
    """bool (documents,): which are of the domain by the rest of their host, of which at least this share was found.

    Of documents of the pool: hosts: a number by host, -1 of none; found: by the round before; probability: calibrated
    for a pool of which `prevalence` is of the domain. A host's share counts one page of the pool beside its own, so
    that no host is surely of the domain.
    """
    known = hosts >= 0
    of = np.where(known, hosts, 0)
    others = np.bincount(hosts[known], minlength=1)[of] - 1
    others_found = np.bincount(hosts[known & found], minlength=int(of.max(initial=0)) + 1)[of] - found
    rich = known & (others >= LEAST) & (others_found >= share * others)
    in_host = (others_found + prevalence) / np.maximum(others + 1, 1)
    likely = probability * in_host * (1 - prevalence) >= (1 - probability) * (1 - in_host) * prevalence
    chosen: NDArray[np.bool_] = rich & likely
    return chosen
