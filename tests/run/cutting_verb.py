"""A verb as a package of a user's would add it: a word is cut out of every document that has it but the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from refinery.definition.paths import Paths
from refinery.filters.verb import DROPPED_RECORD, NONE, SPAN_RECORD, Needed, Outcome, Verb
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

DOCUMENTS = 8  # in a partition


class Settings(BaseModel):
    """A word is cut."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: str = Field(description="which one")


@dataclass(frozen=True)
class CutWord(Verb):
    chosen: Settings
    name: str = "cut_word"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        return self.chosen.model_dump()

    @property
    def needed(self) -> tuple[Needed, ...]:
        return ()

    @property
    def cuts(self) -> bool:
        return True

    @property
    def summary(self) -> str:
        return f"cut {self.chosen.word}"

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        starts = list(accumulate((shard.rows for shard in shards), initial=0))
        partitions = starts[-1] // DOCUMENTS + 1
        kinds = (("dropped", DROPPED_RECORD), ("spans", SPAN_RECORD))
        dropped, spans = (
            Records.create(work / name, form, partitions=partitions, writers=len(shards))
            for name, form in kinds
        )
        units = list(zip(range(len(shards)), shards, starts, strict=False))
        map_units("cut words", partial(cut, self.chosen.word.encode(), dropped, spans), units)
        return Outcome(("cut_word.word", "cut_word.nothing"), dropped, DOCUMENTS, spans=spans)


def cut(word: bytes, dropped: Records, spans: Records, unit: tuple[int, ShardDocuments, int]) -> None:
    number, shard, start = unit
    found, gone = [], []
    arrived = np.flatnonzero(shard.arrives())
    texts = [text.encode() for batch in shard.texts(arrived) for text in batch.to_arrow().to_pylist()]
    for document, text in zip(arrived.tolist(), texts, strict=True):
        at = [n for n in range(len(text)) if text.startswith(word, n)]
        if text == word:
            gone.append((start + document, 1, NONE, np.nan))
        else:
            length = len(word.decode())
            found += [(start + document, 0, n, n + len(word), length, 0 if n % 2 else NONE) for n in at]
    for records, rows, form in ((dropped, gone, DROPPED_RECORD), (spans, found, SPAN_RECORD)):
        made = np.array(rows, form)
        records.write(number, made, made["document"] // DOCUMENTS)


def build(settings: Settings, paths: Paths) -> CutWord:
    return CutWord(settings)
