"""How what arrives is ranked."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from refinery.errors import InputError
from tests.select.shards import Shard, dropped_by


def shards_of(commonness: np.ndarray, cut: int) -> list[Shard]:
    """Documents of one token in two shards."""
    table = pa.table({"tokens": pa.array(np.ones(len(commonness), int)), "score": pa.array(commonness)})
    return [Shard(table[:cut]), Shard(table[cut:], first=cut)]


def test_common_documents_are_drawn_less_often(tmp_path):
    """In proportion to 1 / the mean of their segment; the same however the documents are cut into shards."""
    generator = np.random.default_rng(1)
    commonness = generator.permutation(np.repeat([0.01, 0.02, 0.08], 4000)) * generator.uniform(
        0.9, 1.1, 12000
    )
    dropped = dropped_by(shards_of(commonness, 5000), tmp_path / "a", tokens=600, softdedup=3)
    assert dropped == dropped_by(shards_of(commonness, 11000), tmp_path / "b", tokens=600, softdedup=3)
    drawn = commonness[np.setdiff1d(np.arange(12000), list(dropped))]
    counts = np.histogram(drawn, [0, 0.015, 0.04, 1])[0]
    weights = np.array([8, 4, 1])  # a draw of 5 % hardly changes what is left
    assert stats.chisquare(counts, weights / weights.sum() * counts.sum()).pvalue > 0.001


def test_documents_of_a_segment_are_alike(tmp_path):
    """With one segment all weigh the same, however their scores differ; those without a score come last."""
    commonness = np.where(np.arange(3000) % 3 == 0, np.nan, np.where(np.arange(3000) % 3 == 1, 1e-9, 1.0))
    dropped = dropped_by(shards_of(commonness, 100), tmp_path, tokens=1000, softdedup=1)
    drawn = np.setdiff1d(np.arange(3000), list(dropped)) % 3
    assert not (drawn == 0).any() and abs(int((drawn == 1).sum()) - 500) < 80


def test_nothing_may_arrive(tmp_path):
    """And documents may have no tokens, or none of them a score."""
    assert dropped_by(shards_of(np.empty(0), 0), tmp_path / "a", tokens=5, softdedup=3) == {}
    (shard, _) = shards_of(np.array([0.5, 0.1]), 2)
    away = Shard(shard.table, away=frozenset({0, 1}))
    assert dropped_by([away], tmp_path / "b", tokens=5, softdedup=3) == {}
    free = Shard(shard.table.set_column(0, "tokens", pa.array([0, 0])))
    assert dropped_by([free], tmp_path / "c", tokens=5, softdedup=3) == {}
    assert len(dropped_by(shards_of(np.full(9, np.nan), 4), tmp_path / "d", tokens=5, softdedup=3)) == 4


def test_what_is_no_commonness_is_refused(tmp_path):
    """A mean of 0 or less has no weight."""
    with pytest.raises(InputError, match="the mean of 'score' over a segment is -3"):
        dropped_by(shards_of(np.array([-3.0, 1.0]), 1), tmp_path, tokens=1, softdedup=2)
