"""Buckets of documents among those of their group."""

import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import InputError
from refinery.select.batches import Batch
from refinery.select.quantiles import buckets_of, find_quantiles, rate
from refinery.select.settings import Settings
from tests.select.shards import Shard, in_order


def found_of(table: pa.Table, work, edges: list[float], within: str | None = None, **chosen):
    """The quantiles, and the group and bucket of each document."""
    batches = [Batch(0, 0, (Shard(table),))]
    rated = rate(
        Settings(tokens=1, by="score", **{"softdedup": 2, **chosen}), within, batches, in_order, work
    )
    quantiles = find_quantiles(rated, edges, in_order, work).read()
    return quantiles, *buckets_of(quantiles, rated.records.read())


def test_buckets_part_tokens(tmp_path):
    """A document across an edge is in the bucket above; what has no score is the worst; means are of the others."""
    scores = pa.array([0.5, None, 0.1, 0.9, float("nan"), 0.7], pa.float64())
    table = pa.table({"tokens": pa.array([2, 1, 2, 1, 1, 3], pa.int64()), "score": scores})
    quantiles, group, bucket = found_of(table, tmp_path, [0.25, 0.65])
    assert bucket.tolist() == [1, 0, 1, 2, 0, 2] and group.tolist() == [0] * 6
    assert quantiles["start"].tolist() == [[0.2, 0.6]]
    assert quantiles["score"][0].tolist() == [pytest.approx(float("nan"), nan_ok=True), 0.3, 0.8]


def test_equal_scores_are_parted(tmp_path):
    """By a hash: a tenth of the documents is in each bucket, though all have one score."""
    table = pa.table({"tokens": pa.array([1] * 500, pa.int64()), "score": pa.array([1.0] * 500)})
    _, _, bucket = found_of(table, tmp_path, [n / 10 for n in range(1, 10)])
    assert np.bincount(bucket).tolist() == [50] * 10


def test_each_group_is_parted_by_itself(tmp_path):
    """Documents without a value are a group; low scores are the best where the ranking says so."""
    names = pa.array(["a", None, "b"] * 40)
    table = pa.table({
        "tokens": pa.array([1] * 120, pa.int64()), "score": pa.array(np.arange(120.0)), "topic": names,
    })  # fmt: skip
    quantiles, group, bucket = found_of(table, tmp_path, [0.5], "topic")
    assert len(quantiles) == 3 and len(set(zip(group.tolist(), names.to_pylist(), strict=True))) == 3
    assert bucket.tolist() == [0] * 60 + [1] * 60
    low = {"softdedup": None, "temperature": 1, "by": "score ASC"}
    batches = [Batch(0, 0, (Shard(table),))]
    rated = rate(Settings(tokens=1, **low), None, batches, in_order, tmp_path)
    found = find_quantiles(rated, [0.5], in_order, tmp_path).read()
    assert buckets_of(found, rated.records.read())[1].tolist() == [1] * 60 + [0] * 60


def test_a_group_that_the_sample_lacks_is_told(tmp_path):
    """As -1."""
    table = pa.table({"tokens": pa.array([1, 1], pa.int64()), "score": pa.array([1.0, 2.0])})
    quantiles, _, _ = found_of(table, tmp_path, [0.5])
    records = np.zeros(1, [("group", "u8"), ("key", "u8"), ("order", "u8")])
    records["group"] = 7
    assert buckets_of(quantiles, records)[0].tolist() == [-1]


def test_hosts_are_no_groups(tmp_path, monkeypatch):
    """Too many values of `within` are refused with what to give."""
    monkeypatch.setattr("refinery.select.quantiles.MOST_GROUPS", 2)
    table = pa.table({
        "tokens": pa.array([1, 1, 1], pa.int64()), "score": pa.array([1.0, 2, 3]), "host": ["a", "b", "c"],
    })  # fmt: skip
    with pytest.raises(InputError, match="more than 2 different values"):
        found_of(table, tmp_path, [0.5], "host")
    with pytest.raises(InputError, match="`softdedup` draws by a number"):
        text = table.set_column(1, "score", pa.array(["x", "y", "z"]))
        found_of(text, tmp_path, [0.5])
