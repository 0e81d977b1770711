"""A maker and a transform as a later kind of count would have them: which words a source's documents begin with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from pydantic import BaseModel

from refinery.filters.measurer import Transform
from refinery.models.maker import Made, Maker
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments

FILE = "first-words.json"


class Settings(BaseModel, extra="forbid", frozen=True):
    """How often a first word must occur to be removed, and how many letters of it count."""

    least: int = 2
    letters: int = 100


@dataclass(frozen=True)
class FirstWords(Maker):
    """Counts first words of documents."""

    source: str
    letters: int
    name: str = "first_words"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """How much of a word counts."""
        return {"letters": self.letters}

    @property
    def inputs(self) -> Mapping[str, tuple[str, ...]]:
        """One source."""
        return {"documents": (self.source,)}

    def make(
        self, inputs: Mapping[str, Sequence[ShardDocuments]], map_units: MapUnits, folder: Path, work: Any
    ) -> None:
        """Writes how often each word is the first."""
        counts = Counter[str]()
        for found in map_units("count first words", partial(count, self.letters), inputs["documents"]):
            counts.update(found)
        (folder / FILE).write_bytes(orjson.dumps(dict(sorted(counts.items()))))


def count(letters: int, shard: ShardDocuments) -> Counter[str]:
    """The first words of a shard."""
    texts = shard.texts(np.flatnonzero(shard.arrives()))
    return Counter(text.split()[0][:letters] for batch in texts for text in batch.to_arrow().to_pylist())


@dataclass(frozen=True)
class WithoutFirst(Transform):
    """Removes the first word where it is a frequent one."""

    chosen: Settings
    source: str = "crawl"
    count: Made | None = field(default=None)
    name: str = "without_first"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The least number, and what was counted once that is known."""
        return {"least": self.chosen.least, "count": self.count.content if self.count else None}

    @property
    def counter(self) -> Maker:
        """Counts them."""
        return FirstWords(self.source, self.chosen.letters)

    def with_count(self, count: Made) -> WithoutFirst:
        """The same with the count."""
        return WithoutFirst(self.chosen, self.source, count)

    def __call__(self, text: pa.Array) -> pa.Array:
        """Texts without a frequent first word."""
        if self.count is None:
            raise ValueError("not counted")
        counts = orjson.loads((self.count.folder / FILE).read_bytes())
        found = []
        for one in text.to_pylist():
            first, _, rest = one.partition(" ")
            frequent = counts.get(first[: self.chosen.letters], 0) >= self.chosen.least
            found.append(rest if frequent else one)
        return pa.array(found, pa.large_string())


def build(settings: Settings) -> WithoutFirst:
    """The transform."""
    return WithoutFirst(settings)
