"""Shards in memory, as a verb sees them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from refinery.shuffle.partition import hash_numbers


@dataclass(frozen=True)
class Shard:
    """Documents with columns, all of which come to the verb but those that are `away`."""

    table: pa.Table
    first: int = 0
    away: frozenset[int] = field(default_factory=frozenset)
    name: str = "shard"
    source: str = "crawl"
    trust: int = 0
    earlier: bool = False
    bytes: int = 1

    @property
    def rows(self) -> int:
        return len(self.table)

    @property
    def arrived(self) -> int:
        return self.rows - len(self.away)

    def identities(self) -> np.ndarray:
        return hash_numbers(np.arange(self.first, self.first + self.rows))

    def arrives(self) -> np.ndarray:
        return np.array([n not in self.away for n in range(self.rows)], bool)

    def ranked_type(self, column: str) -> pa.DataType:
        return self.table.schema.field(column).type

    def columns(self, names: Sequence[str]) -> pa.Table:
        return self.table.select(names)


def in_order(_name, function, units, **_):
    """Runs units one after the other, here."""
    return [function(unit) for unit in units]
