"""Limits a value."""

import numpy as np
import pyarrow as pa

from refinery.select.budget import ranked_dtype
from refinery.select.most import fitting, value_hashes, valued_dtype
from tests.select.shards import Shard


def test_values_are_compared_as_texts():
    """7, 7.0 and "7" are one value; NULL and the empty text are none."""
    kinds = {"i": pa.array([7, None, 8]), "f": pa.array([7.0, None, 8.0]), "s": pa.array(["7", "", " 8 "])}
    hashes = [value_hashes(Shard(pa.table({"x": values})), "x").tolist() for values in kinds.values()]
    assert hashes[0] == hashes[1] == hashes[2]
    assert hashes[0][1] == 0 not in hashes[0][::2]


def test_the_first_that_overspends_ends_its_value():
    """A smaller one below it does not take its place; another value has its own limit."""
    held = np.zeros(4, valued_dtype(ranked_dtype(1)))
    held["value"] = [5, 5, 5, 9]
    held["ranked"]["document"] = [0, 1, 2, 3]
    held["ranked"]["tokens"] = [6, 5, 1, 10]
    held["ranked"]["keys"][:, 0] = [1, 2, 3, 1]
    assert fitting(held, 10).tolist() == [True, False, False, True]
    assert fitting(held[:0], 10).tolist() == []
