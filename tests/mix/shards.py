"""Shards in memory whose documents come by several parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.select.shards import Shard


@dataclass(frozen=True)
class MixedShard(Shard):
    """came: by part, the documents that come by it."""

    came: dict[str, frozenset[int]] = field(default_factory=dict)

    def came_by(self, names: Sequence[str]) -> np.ndarray:
        return (
            np.array([[n in self.came[name] for n in range(self.rows)] for name in names], bool).reshape(
                len(names), self.rows
            )
            & self.arrives()
        )
