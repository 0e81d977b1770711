import pytest
from datasketch.lsh import _optimal_param

from refinery.dedup.bands import recall, split


@pytest.mark.parametrize("num_perm", [16, 64, 112, 128, 200])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9])
def test_bands_and_rows_are_datasketchs(threshold, num_perm):
    """The cut is what MinHashLSH(threshold, num_perm) chooses."""
    theirs = _optimal_param(threshold, num_perm, 0.5, 0.5)
    if theirs[0] >= 2:
        assert split(threshold, num_perm) == theirs


def test_at_least_two_bands():
    """Where the optimum were one band, which datasketch refuses, two are used."""
    assert split(0.99, 16)[0] == 2


def test_recall_equals_published_values():
    """FineWeb's 14 x 8: 56, 77, 92, 98.8 % at 0.7, 0.75, 0.8, 0.85 (arXiv 2406.17557)."""
    assert [round(recall(s, 14, 8), 3) for s in (0.7, 0.75, 0.8, 0.85)] == [0.565, 0.772, 0.924, 0.988]
