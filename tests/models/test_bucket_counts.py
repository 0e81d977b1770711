"""Counts by bucket, against sums of NumPy."""

import numpy as np

from refinery.models.bucket_counts import add_counts, counts_in, write_counts


def test_counts_of_all_units_add_up_by_text(tmp_path):
    """Two units write counts of two texts; a bucket that nothing falls into has 0."""
    found = np.random.default_rng(1).poisson(0.7, (2, 2, 50))
    counts = counts_in(tmp_path / "counts", 4, texts=2)
    for unit in range(2):
        for text in range(2):
            write_counts(counts, 2 * unit + text, found[unit, text], text)
    for text in range(2):
        assert add_counts(counts, 50, text).tolist() == found[:, text].sum(axis=0).tolist()
