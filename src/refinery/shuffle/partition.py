"""Which partition a key belongs to, and how many partitions there should be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

READ_BYTES = 1 << 20  # what one read of one partition has at least, for an object store's and a disk's sake
LEAST_BYTES, MOST_BYTES = 4 << 20, 1 << 30  # of a partition
MOST_PARTITIONS = 1 << 20


def partition_bytes(records: int, record_bytes: int) -> int:
    """Size of a partition so that a read of it from a file of the same size has READ_BYTES: sqrt(all * READ_BYTES).

    >>> partition_bytes(900_000_000, 16) >> 20, partition_bytes(90_000_000_000, 16) >> 20
    (117, 1024)
    """
    chosen = int((float(records) * record_bytes * READ_BYTES) ** 0.5)
    return min(max(chosen, LEAST_BYTES), MOST_BYTES)


def partition_count(records: int, dtype: np.dtype[Any], size: int) -> int:
    """Partitions for this many records so that each holds about `size` bytes; at least one."""
    return min(max(1, -(-records * dtype.itemsize // size)), MOST_PARTITIONS)


def partition_of(hashes: NDArray[np.uint64], partitions: int) -> NDArray[np.int64]:
    """The partition of each hash, int64: equal ranges of its upper 32 bits.

    So partitions are in the order of the hashes, and `partitions * m` of them refine `partitions`.
    """
    return ((hashes >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)


def hash_numbers(numbers: NDArray[np.int64], seed: int | NDArray[np.uint64] = 0) -> NDArray[np.uint64]:
    """A hash of each number, uint64: the number-th output of SplitMix64 from its seed (Steele et al. 2014, fig. 17).

    >>> hash_numbers(np.arange(2)).tolist()
    [16294208416658607535, 7960286522194355700]
    """
    with np.errstate(over="ignore"):
        z = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z += np.asarray(seed, np.uint64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
