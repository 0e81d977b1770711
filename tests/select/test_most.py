"""Limits a value."""

import numpy as np

from refinery.select.budget import ranked_dtype
from refinery.select.most import fitting
from refinery.select.values import valued_dtype


def test_the_first_that_overspends_ends_its_value():
    """A smaller one below it does not take its place; another value has its own limit."""
    held = np.zeros(4, valued_dtype(ranked_dtype(1)))
    held["value"] = [5, 5, 5, 9]
    held["ranked"]["document"] = [0, 1, 2, 3]
    held["ranked"]["tokens"] = [6, 5, 1, 10]
    held["ranked"]["keys"][:, 0] = [1, 2, 3, 1]
    assert fitting(held, 10).tolist() == [True, False, False, True]
    assert fitting(held[:0], 10).tolist() == []
