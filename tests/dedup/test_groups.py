import numpy as np

from refinery.dedup.groups import band_keys


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
