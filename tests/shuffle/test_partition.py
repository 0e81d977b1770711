import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.shuffle import partition
from refinery.shuffle.partition import hash_numbers, partition_bytes, partition_count, partition_of

RECORD = np.dtype([("high", np.uint64), ("document", np.int64)])


def test_finer_partitions_lie_within_the_coarser_ones():
    """5 * 7 partitions refine 5."""
    high = np.random.default_rng(2).integers(0, 2**64, 10000, dtype=np.uint64)
    assert (partition_of(high, 35) // 7 == partition_of(high, 5)).all()


def test_neighbours_are_strewn_over_partitions():
    """Consecutive numbers come into partitions of like size, whatever the seed."""
    for seed in (0, 2**64 - 1):
        counts = np.bincount(partition_of(hash_numbers(np.arange(100_000), seed), 10), minlength=10)
        assert counts.min() > 9000 and counts.max() < 11000


def test_hashes_are_splitmix64s():
    """The first outputs of Vigna's splitmix64.c for a published seed."""
    assert hash_numbers(np.arange(3), 1234567).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


def test_partitions_are_as_many_as_their_size_demands():
    """At least one, and no more than can be numbered."""
    assert partition_count(0, RECORD, 100) == 1
    assert partition_count(100, RECORD, 100) == 16
    assert partition_count(10**12, RECORD, 1) == partition.MOST_PARTITIONS


def test_partitions_grow_with_the_root_of_the_corpus():
    """So that a read of a partition from each writer's file has a megabyte, within bounds of memory."""
    assert partition_bytes(1000, 16) == partition.LEAST_BYTES
    assert partition_bytes(10**12, 16) == partition.MOST_BYTES
    size = partition_bytes(9 * 10**8, 16)
    assert size / (9 * 10**8 * 16 / size) == pytest.approx(partition.READ_BYTES, rel=0.01)


@given(st.integers(1, 2**40 // RECORD.itemsize))
def test_pieces_are_no_more_than_megabytes(records):
    """Of as many files as partitions, up to a terabyte: requests follow the bytes, not units times partitions."""
    size = partition_bytes(records, RECORD.itemsize)
    count = partition_count(records, RECORD, size)
    assert (count - 1) ** 2 <= records * RECORD.itemsize / partition.READ_BYTES + 1
