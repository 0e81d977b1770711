import numpy as np
import pytest

from refinery.dedup.bands import recall, split
from refinery.dedup.groups import band_keys
from refinery.dedup.signatures import signatures_of_hashes


def test_band_keys_are_equal_exactly_when_the_values_and_the_band_are():
    """Documents share a band's key when its rows are equal; different bands never share one."""
    generator = np.random.default_rng(1)
    matrix = generator.integers(0, 3, (200, 12), dtype=np.uint32)
    matrix.flags.writeable = False
    keys = band_keys(matrix, np.arange(4) * 3, 3)
    for band in range(4):
        values = {tuple(row[band * 3 : band * 3 + 3].tolist()) for row in matrix}
        assert len(set(keys[:, band].tolist())) == len(values)
    assert len(set(keys.reshape(-1).tolist())) == sum(len(set(keys[:, band].tolist())) for band in range(4))


def test_two_hashes_of_a_whole_signature_are_different():
    """The same columns under two numbers make the two halves of a 128-bit hash."""
    matrix = np.arange(24, dtype=np.uint32).reshape(2, 12)
    matrix.flags.writeable = False
    keys = band_keys(matrix, np.zeros(2, np.int64), 12)
    assert len(set(keys.reshape(-1).tolist())) == 4


@pytest.mark.parametrize("threshold", [0.6, 0.7, 0.8])
def test_pairs_share_a_bucket_as_often_as_the_curve_says(threshold):
    """Of 2,500 pairs at each Jaccard similarity from 0.5 to 0.95, within three points of 1 - (1 - s^r)^b."""
    generator = np.random.default_rng(8)
    bands, rows = split(threshold, 112)
    for similarity in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        shared = round(240 * similarity / (1 + similarity))
        exact = shared / (240 - shared)  # two sets of 120 elements
        sets = generator.integers(0, 2**32, (2500, 2, 120), dtype=np.uint32)
        sets[:, 1, :shared] = sets[:, 0, :shared]
        signatures = signatures_of_hashes(sets.reshape(-1), np.arange(5001) * 120, 112, 1)
        signatures.flags.writeable = False
        keys = band_keys(signatures, np.arange(bands) * rows, rows)
        found = (keys[0::2] == keys[1::2]).any(axis=1).mean()
        assert found == pytest.approx(recall(exact, bands, rows), abs=0.03)
