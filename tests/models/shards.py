"""Shards of texts in memory, as a maker sees a source's or a stage's, and units run here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.shuffle.partition import hash_numbers
from refinery.text.batch import TextBatch


@dataclass(frozen=True)
class TextShard:
    """Documents from `start` on of a source; those of `dropped` do not arrive. Read two at a time."""

    source: str
    texts_: tuple[str, ...]
    start: int = 0
    dropped: frozenset[int] = frozenset()
    trust: int = 0
    earlier: bool = False

    @property
    def name(self) -> str:
        return f"{self.source} from {self.start}"

    @property
    def rows(self) -> int:
        return len(self.texts_)

    @property
    def arrived(self) -> int:
        return int(self.arrives().sum())

    @property
    def bytes(self) -> int:
        return sum(map(len, self.texts_))

    def identities(self) -> NDArray[np.uint64]:
        return hash_numbers(np.arange(self.start, self.start + self.rows), sum(self.source.encode()))

    def arrives(self) -> NDArray[np.bool_]:
        return np.array([self.start + n not in self.dropped for n in range(self.rows)], np.bool_)

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Ids, and the host of each third document."""
        numbers = range(self.start, self.start + self.rows)
        known = {"id": [f"{self.source}-{n}" for n in numbers]}
        known["host"] = [f"h{n % 9}.org" if n % 3 == 0 else None for n in numbers]
        return pa.table({name: pa.array(known[name], pa.string()) for name in names})

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        for low in range(0, len(documents), 2):
            yield TextBatch.from_texts([self.texts_[n] for n in documents[low : low + 2]])


def cut(source: str, texts: list[str], *cuts: int, dropped: frozenset[int] = frozenset()) -> list[TextShard]:
    """A source's shards, cut at these documents."""
    bounds = [0, *cuts, len(texts)]
    return [TextShard(source, tuple(texts[low:high]), low, dropped) for low, high in pairwise(bounds)]


def run_here(_name, function, units, /, *, memory=0):
    """Results in the order of the units, which run from the last to the first."""
    return [function(unit) for unit in reversed(units)][::-1]
