import numpy as np

from refinery.dedup.sorting import look_up, preferred_order, shared_keys, starts_of


def test_order_of_preference():
    """The columns in order, then the document's number; within groups where there are any."""
    records = np.zeros(6, [("document", np.int64), ("prefer", np.float64, (2,))])
    records["document"] = [5, 4, 3, 2, 1, 0]
    records["prefer"] = [[1, 0], [0, 2], [0, 1], [0, 1], [-np.inf, 9], [np.inf, 0]]
    assert records["document"][preferred_order(records)].tolist() == [1, 2, 3, 4, 5, 0]
    group = records["document"] % 2
    assert records["document"][preferred_order(records, group)].tolist() == [2, 4, 0, 1, 3, 5]


def test_starts_of_keys():
    """Where any of the keys changes."""
    assert starts_of(np.array([1, 1, 2, 2]), np.array([0, 0, 0, 1])).tolist() == [True, False, True, True]
    assert starts_of(np.array([])).tolist() == []


def test_keys_that_are_shared():
    """Those that stand beside an equal one."""
    assert shared_keys(np.array([1, 1, 2, 3, 3, 3])).tolist() == [True, True, False, True, True, True]
    assert shared_keys(np.array([])).tolist() == []


def test_look_up():
    """Which are there, and where; nothing is in nothing."""
    found, at = look_up(np.array([2, 5, 9]), np.array([9, 1, 5, 10]))
    assert found.tolist() == [True, False, True, False]
    assert at[found].tolist() == [2, 1]
    assert look_up(np.array([], np.int64), np.array([1]))[0].tolist() == [False]
