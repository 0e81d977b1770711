"""Rows of any format become documents alike: text, id, columns, rejects, in batches cut by bytes."""

import json

import numpy as np

from refinery.sources import rows
from refinery.sources.documents import Description, Reject, Request, Shard
from refinery.sources.schema import unify

from .reading import spec

SHARD = Shard("source", "/a.new", "a.new", "new", 0, -1, 0, None, 0, "")


def found(_shard, _spec, _digest):
    """Four rows, of which one is blank and one is none."""
    yield 0, b'{"text": "a", "id": 7, "n": 1}'
    yield 1, b"  "
    yield 2, Reject(2, "oversize_row")
    yield 3, json.dumps({"text": "b", "n": None, "id": "x"}).encode()


def test_rows_become_documents():
    """The description counts all of them, and knows the columns of those that are documents."""
    seen = Description()
    (batch,) = rows.read(found, SHARD, Request(spec("/a"), unify([]), None, 10**6, seen))
    assert (batch.rows.tolist(), batch.text.to_pylist(), batch.ids.to_pylist()) == (
        [0, 3],
        ["a", "b"],
        ["7", "x"],
    )
    assert batch.rejects == (Reject(2, "oversize_row"),)
    assert (seen.rows, seen.carried.names) == (4, ["n"])


def test_only_wanted_rows_are_parsed():
    """The others are passed over unseen."""
    (batch,) = rows.read(found, SHARD, Request(spec("/a"), None, np.array([3]), 10**6, None))
    assert (batch.rows.tolist(), batch.rejects) == ([3], ())


def test_first_columns_are_those_of_the_first_rows():
    """As many as are asked for."""
    assert rows.first_columns(found, SHARD, spec("/a"), 10**6).names == ["n"]
