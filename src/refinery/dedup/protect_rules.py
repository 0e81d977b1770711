"""The rules by which documents go for what is protected, by number: those of copies, then those of what has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from refinery.dedup.corpus import DedupShard


@dataclass(frozen=True)
class Rules:
    """The names of a definition, each a rule; sources: of those that hold what is protected.

    firsts: the first document of each shard of protected ones, of the rule `numbers`.
    """

    names: tuple[str, ...]
    firsts: tuple[int, ...]
    numbers: tuple[int, ...]
    sources: Mapping[str, int]

    def of(self, protected: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rule of a document that is like each of these protected ones."""
        at = np.searchsorted(np.array(self.firsts), protected, "right") - 1
        found: NDArray[np.int64] = np.array(self.numbers)[at]
        return found

    def inside(self, protected: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rule of a document that has each of these protected ones inside."""
        return self.of(protected) + len(self.names)


def rules_of(shards: Sequence[DedupShard], protected: Mapping[str, tuple[str, ...]]) -> Rules:
    """Of shards of protected documents; a source that several names hold is the first one's."""
    sources = {s: n for n, names in reversed([*enumerate(protected.values())]) for s in names}
    firsts = np.cumsum([0, *(shard.documents.rows for shard in shards)])[:-1].tolist()
    numbers = tuple(sources[shard.documents.source] for shard in shards)
    return Rules(tuple(protected), tuple(firsts), numbers, sources)
