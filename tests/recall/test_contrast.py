"""The signed root of the likelihood ratio against its formula."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from refinery.recall.contrast import contrast
from refinery.text.features import Features


def test_it_is_the_signed_root_of_g2() -> None:
    """2 K (p ln(p / q) + (1 - p) ln((1 - p) / (1 - q))); below 0 where members have it seldom."""
    having = [[0, 1], [0], [0, 2], [1], [1, 2]]
    bounds = np.cumsum([0, *map(len, having)])
    buckets = np.array([one for row in having for one in row], np.uint32)
    found = Features(bounds, buckets, np.ones(len(buckets), np.uint16))
    made = contrast(found, np.array([1.0, 1.0, 0.5, 0.0, 0.0]), 5)
    for bucket, members, everyone in ((0, 2.5, 3), (1, 1.0, 3), (2, 0.5, 2)):
        p, q = members / 2.5, (everyone + 0.5) / 6
        ratio = p * log(p / q) + ((1 - p) * log((1 - p) / (1 - q)) if p < 1 else 0)
        assert made[bucket] == pytest.approx((5 * ratio) ** 0.5 * (1 if p > q else -1), rel=1e-5)
    assert made[3:].tolist() == [0, 0]
