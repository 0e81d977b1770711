"""What happens in a worker around a unit."""

import os

import numpy as np
import pyarrow as pa

from refinery.errors import RunError
from refinery.executors.worker import attempt, attempt_elsewhere


class Unsendable(Exception):
    """An error of a library that cannot be made again from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(one + two)


def fail(words: str) -> None:
    raise Unsendable(words, "!")


def test_an_error_that_cannot_be_sent_is_told_in_words():
    """Another process gets its name and message; in this one it stays itself."""
    assert isinstance(attempt(fail, "no room").outcome, Unsendable)
    outcome = attempt_elsewhere(fail, "no room").outcome
    assert isinstance(outcome, RunError)
    assert "Unsendable: no room!" in str(outcome)


def test_peak_memory_is_that_of_the_unit():
    """What an earlier unit took and gave back is not counted for a later one."""
    large, small = attempt(touch, 1 << 28), attempt(touch, 1)
    assert small.memory < large.memory - (1 << 27)
    assert large.worker.endswith(f":{os.getpid()}")


def test_memory_that_arrow_held_for_a_unit_is_given_back():
    """A unit after it begins with little."""
    attempt(tables, 1)
    large, small = attempt(tables, 200), attempt(touch, 1)
    assert small.memory < large.memory - (1 << 26)


def tables(number: int) -> None:
    for table in [pa.repeat(1, 100_000) for _ in range(number)]:
        table.validate()


def touch(size: int) -> None:
    np.ones(size, np.uint8)
