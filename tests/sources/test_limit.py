"""A sample of a source."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import NO_COLUMNS, Documents, Reject, Shard
from refinery.sources.limit import LEFT_OUT, SHARDS, limit_shards, lowest

SHARD = Shard("s", "/a", "a", "jsonl", 0, -1, 0, None, 1000, "x")


def shards(number, size=1000):
    return [replace(SHARD, path=f"/{n}", relative_path=str(n), index=n, bytes=size) for n in range(number)]


def runs(sizes):
    """Documents in runs of these sizes, in which each fifth row is rejected."""
    start = 0
    for size in sizes:
        every = np.arange(start, start + size, dtype=np.int64)
        rows = every[every % 5 != 4]
        rejects = tuple(Reject(int(row), "null_text") for row in every[every % 5 == 4])
        text = pa.array([f"text {row}" for row in rows], pa.large_string())
        yield Documents(rows, text, pa.nulls(len(rows)), np.ones(len(rows), bool), NO_COLUMNS, rejects)
        start += size


def taken(found):
    return [row for run in found for row in run.rows.tolist()]


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 40))
def test_as_many_documents_as_asked_for(sizes, limit):
    """Or all; in order, each with its text; nothing is lost: the others are counted."""
    found = list(lowest(runs(sizes), replace(SHARD, limit=limit)))
    rows, every = taken(found), taken(runs(sizes))
    assert len(rows) == min(limit, len(every))
    assert rows == sorted(rows)
    texts = [text for run in found for text in run.text.to_pylist()]
    assert texts == [f"text {row}" for row in rows]
    counted = sum(run.skipped.get(LEFT_OUT, 0) + len(run.rejects) for run in found)
    assert counted + len(rows) == sum(sizes)


@given(st.lists(st.integers(0, 30), max_size=8), st.integers(1, 40))
def test_how_a_shard_is_batched_does_not_matter(sizes, limit):
    """The same documents and the same rejects come."""
    shard = replace(SHARD, limit=limit)
    one, other = (list(lowest(runs(cut), shard)) for cut in (sizes, [sum(sizes)]))
    assert taken(one) == taken(other)
    assert [r for run in one for r in run.rejects] == [r for run in other for r in run.rejects]


def test_few_shards_are_read_of_many():
    """Their limits add up; others of the same source are not read; the order stays."""
    found = limit_shards(shards(1000, 10**8), 100)
    assert len(found) == SHARDS
    assert sum(shard.limit for shard in found) == 100
    assert [shard.index for shard in found] == sorted(shard.index for shard in found)


def test_small_shards_are_read_until_they_hold_enough():
    """All of them, where there are not more."""
    found = limit_shards(shards(20, 1000), 10_000)
    assert len(found) == 20
    assert sum(shard.limit for shard in found) == 10_000


def test_a_file_is_read_from_its_beginning():
    """A later part never without those before it: else its rows would have no number."""
    parts = [replace(SHARD, part=n, parts=50, index=n, start=n, bytes=10**6) for n in range(50)]
    assert [shard.part for shard in limit_shards(parts, 200)] == list(range(SHARDS))


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 10**9)), min_size=1, max_size=6), st.integers(1, 50)
)
def test_no_part_is_read_without_those_before_it(files, documents):
    """Whatever the sizes of files: a share of no document leaves out the parts behind it, too."""
    parts = [
        replace(SHARD, path=f"/{n}", relative_path=str(n), part=part, parts=count, bytes=size)
        for n, (count, size) in enumerate(files)
        for part in range(count)
    ]
    found = limit_shards([replace(one, index=n) for n, one in enumerate(parts)], documents)
    there = {(shard.relative_path, shard.part) for shard in found}
    assert all((path, part - 1) in there for path, part in there if part)
    assert sum(shard.limit for shard in found) == documents
