"""A verb as a package of a user's would add it: a document is written as often as a column says, at 0 not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from refinery.definition.paths import Paths
from refinery.filters.verb import DROPPED_RECORD, NONE, REPEAT_RECORD, Needed, Outcome, Verb
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

DOCUMENTS = 8  # in a partition


class Settings(BaseModel):
    """Documents are repeated."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    times: str = Field(description="column with the times")


@dataclass(frozen=True)
class Repeat(Verb):
    chosen: Settings
    split: Any = None
    name: str = "repeat"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        return self.chosen.model_dump() | {"split": self.split and self.split.settings}

    @property
    def needed(self) -> tuple[Needed, ...]:
        return (Needed(self.chosen.times, ("times",)),)

    @property
    def repeats(self) -> bool:
        return True

    def holding_out(self, split: Any) -> Verb:
        return replace(self, split=split)

    @property
    def summary(self) -> str:
        return f"repeat by {self.chosen.times}"

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        starts = list(accumulate((shard.rows for shard in shards), initial=0))
        partitions = starts[-1] // DOCUMENTS + 1
        kinds = (("dropped", DROPPED_RECORD), ("repeats", REPEAT_RECORD))
        dropped, repeats = (
            Records.create(work / name, form, partitions=partitions, writers=len(shards))
            for name, form in kinds
        )
        units = list(zip(range(len(shards)), shards, starts, strict=False))
        map_units("repeat", partial(repeat, self, dropped, repeats), units)
        return Outcome(("repeat.none",), dropped, DOCUMENTS, repeats=repeats)


def repeat(verb: Repeat, dropped: Records, repeats: Records, unit: tuple[int, ShardDocuments, int]) -> None:
    number, shard, start = unit
    times = shard.columns([verb.chosen.times]).column(0).to_numpy()
    if verb.split:
        held_out = verb.split.held_out(shard.columns(verb.split.needed))
        times = np.where(held_out, np.minimum(times, 1), times)
    arrived = shard.arrives()
    gone = start + np.flatnonzero(arrived & (times == 0))
    again = start + np.flatnonzero(arrived & (times > 1))
    made = np.empty(len(gone), DROPPED_RECORD)
    made["document"], made["rule"], made["duplicate_of"], made["similarity"] = gone, 0, NONE, np.nan
    dropped.write(number, made, gone // DOCUMENTS)
    more = np.empty(len(again), REPEAT_RECORD)
    more["document"], more["repeats"] = again, times[again - start]
    repeats.write(number, more, again // DOCUMENTS)


def build(settings: Settings, paths: Paths) -> Repeat:
    return Repeat(settings)
