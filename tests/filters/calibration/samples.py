"""Samples and search problems made at random, for the tests of calibration."""

import numpy as np
import polars as pl

from refinery.filters.calibration.loss import token_bound
from refinery.filters.calibration.sample import Sample
from refinery.filters.calibration.search import PUBLISHED, Group, Problem


def sample(seed: int, documents: int, **columns: object) -> Sample:
    """Documents with tokens, a source and more columns, scalars among them."""
    rng = np.random.default_rng(seed)
    frame = pl.DataFrame({"tokens": rng.integers(1, 2000, documents), **columns, "source": ["x"] * documents})
    return Sample(rng.integers(0, 2**63, documents).astype(np.uint64), frame)


def problem(seed: int, *, most: int, lose: float = 1.0, junk: int = 0, groups: int = 1) -> Problem:
    """Twenty documents, of which some fail some of three thresholds, and junk."""
    rng = np.random.default_rng(seed)

    def needs(rows: int, highest: int) -> np.ndarray:
        return np.where(rng.random((rows, 3)) < 0.4, rng.integers(1, highest, (rows, 3)), PUBLISHED)

    trusted = needs(20, 6)
    trusted = trusted[(trusted > PUBLISHED).any(axis=1)]
    of = rng.integers(0, groups, len(trusted))
    found = []
    for number in range(groups):
        rows = np.flatnonzero(of == number)
        identities = rng.integers(0, 2**63, len(rows)).astype(np.uint64)
        tokens = rng.integers(1, 100, len(rows)).astype(float)
        bound = token_bound(identities, tokens, np.zeros(len(rows), bool), np.arange(len(rows)))
        found.append(Group(rows, most, bound, lose, documents=10**6))
    return Problem(trusted, found, 20, needs(junk, 8) if junk else np.empty((0, 0)))
