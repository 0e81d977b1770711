"""Rankings of a verb over a shard's documents."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from refinery.filters.verb import key_count, ranking_keys


@dataclass
class Shard:
    """Of a shard's documents only what rankings ask for."""

    table: pa.Table
    trust: int = 0

    @property
    def rows(self) -> int:
        return len(self.table)

    def ranked_type(self, column: str) -> pa.DataType:
        return self.table.schema.field(column).type

    def columns(self, names: list[str]) -> pa.Table:
        return self.table.select(names)


TABLE = pa.table(
    {
        "year": pa.array([2001, None, 2001, 1999], pa.int64()),
        "name": pa.array(["b", "a", "a", ""], pa.large_string()),
    }
)


def order(rankings: list[str], **options: str | None) -> list[int]:
    keys = ranking_keys(Shard(TABLE), rankings, options.pop("missing", None), **options)
    return np.lexsort((np.arange(4), *keys.T[::-1])).tolist()


def test_the_first_ranking_that_differs_decides():
    """Each in its direction, what has no rank last or first."""
    assert order(["year", "name"]) == [3, 2, 0, 1]
    assert order(["year DESC", "name"]) == [2, 0, 3, 1]
    assert order(["year", "name DESC"], missing="first") == [1, 3, 0, 2]
    assert order(["name", "year"]) == [2, 1, 0, 3]
    assert order([]) == [0, 1, 2, 3]


def test_a_direction_can_be_the_default():
    """As select ranks the best first."""
    assert order(["year"], best="DESC") == [0, 2, 3, 1]
    assert order(["year ASC"], best="DESC") == [3, 0, 2, 1]


def test_the_source_ranks_by_trust():
    """Whatever its name; an earlier corpus, which has the trust -1, before all others."""
    keys = [ranking_keys(Shard(TABLE, trust), ["source"], None)[0, 0] for trust in (-1, 0, 1)]
    assert keys == sorted(set(keys))


def test_keys_are_counted_before_they_are_made():
    """By the types of the columns: so that records can be made for them."""
    for rankings in (["source"], ["year"], ["name", "source", "year"], []):
        assert key_count([Shard(TABLE)], rankings) == ranking_keys(Shard(TABLE), rankings, None).shape[1]
    assert key_count([], ["year", "source"]) == 1
