"""A sample is as long as its features."""

from __future__ import annotations

from tests.recall.planted import pool


def test_a_sample_counts_its_documents() -> None:
    """Seeds and pool together."""
    sample, truth = pool(seeds=5, positive=3, other=8)
    assert len(sample) == len(truth) == 16
