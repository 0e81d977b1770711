"""Counts over shards; tests/run/test_decisions.py compares them with plain ones."""

import numpy as np
import polars as pl

from refinery.run.counts import Counts, documents_of_parts
from refinery.run.decide import PartTally, Tally

SIZES = pl.DataFrame({"bytes": [1, 10, 100, None], "tokens": [2, 20, 200, None]})


def test_shards_add_up():
    """What is written again counts each time; the largest number of times is that of all shards."""
    counts = Counts()
    part = {"a": np.array([True, True, False, True]), "b": np.array([False, False, True, False])}
    for times in ([1, 3, 0, 1], [0, 2, 5, 2]):
        here = np.array(times, np.int32)
        counts.add_parts(part, SIZES, here)
        counts.add_again("mixed", SIZES, np.maximum(here - 1, 0))
    assert counts.parts == {
        "a": PartTally(Tally(5, 21, 42), Tally(4, 30, 60), 3),
        "b": PartTally(Tally(1, 100, 200), Tally(4, 400, 800), 5),
    }
    assert counts.repeated == {"mixed": Tally(8, 430, 860)}


def test_what_nothing_repeats_has_no_count():
    """So that records of other outputs stay as they are."""
    counts = Counts()
    counts.add_again("plain", SIZES, np.zeros(4, np.int32))
    counts.add_parts({}, SIZES, np.ones(4, np.int32))
    assert (counts.repeated, counts.parts) == ({}, {})


def test_a_document_is_of_the_first_part_that_has_it():
    """Of those that arrive; a source gives all of its documents, a stage of other sources none."""
    arrived = np.array([True, True, False, True])
    kept = {"good": np.array([True, False, True, False])}
    found = documents_of_parts(("good", "crawl", "other"), "crawl", kept, arrived)
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "good": [True, False, False, False],
        "crawl": [False, True, False, True],
        "other": [False] * 4,
    }
