"""Documents by their values of a column."""

import numpy as np
import pyarrow as pa

from refinery.select.values import limits_of, value_hashes
from tests.select.shards import Shard


def test_values_are_compared_as_texts():
    """7, 7.0 and "7" are one value; NULL and the empty text are none."""
    kinds = {"i": pa.array([7, None, 8]), "f": pa.array([7.0, None, 8.0]), "s": pa.array(["7", "", " 8 "])}
    hashes = [value_hashes(Shard(pa.table({"x": values})), "x").tolist() for values in kinds.values()]
    assert hashes[0] == hashes[1] == hashes[2]
    assert hashes[0][1] == 0 not in hashes[0][::2]


def test_a_limit_is_of_every_value_or_of_those_that_are_named():
    """In tokens of the budget; 7 and "7" name one value; -1: no limit."""
    hashes = value_hashes(Shard(pa.table({"x": pa.array([7, 8], pa.int64())})), "x")
    assert limits_of("x", 0.1, 50).of(hashes).tolist() == [5, 5]
    assert limits_of("x", {"7": 0.5, "9": 1.0}, 50).of(hashes).tolist() == [25, -1]
    assert limits_of("x", {"7": 0.5}, 50).of(np.empty(0, np.uint64)).tolist() == []
