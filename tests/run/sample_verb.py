"""A verb as a package of a user's would add it: a share of the documents, drawn by their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from refinery.definition.paths import Paths
from refinery.filters.verb import DROPPED_RECORD, NONE, Needed, Outcome, Verb, VerbTable
from refinery.shuffle.partition import hash_numbers
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place

DOCUMENTS = 32  # in a partition
SEEN: list[str] = []  # shards that were drawn from


class Settings(BaseModel):
    """A share of the documents is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(gt=0, le=1, description="of the documents")
    seed: int = Field(0, description="another seed draws others")
    longer: str | None = Field(
        None, description="a column of lengths: of documents below its mean none is drawn"
    )


@dataclass(frozen=True)
class Sample(Verb):
    chosen: Settings
    name: str = "sample"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        return self.chosen.model_dump()

    @property
    def needed(self) -> tuple[Needed, ...]:
        return (Needed(self.chosen.longer, ("longer",)),) if self.chosen.longer else ()

    @property
    def summary(self) -> str:
        return f"sample {self.chosen.share:.0%}"

    def explained(self) -> tuple[VerbTable, ...]:
        return (VerbTable("Draws", ("seed",), ((str(self.chosen.seed),),)),)

    def run(self, shards: Sequence[ShardDocuments], map_units: MapUnits, work: Place) -> Outcome:
        starts = np.cumsum([0, *(shard.rows for shard in shards)]).tolist()
        partitions = starts[-1] // DOCUMENTS + 1
        dropped = Records.create(work / "dropped", DROPPED_RECORD, partitions=partitions, writers=len(shards))
        units = [(n, shard, start) for n, (shard, start) in enumerate(zip(shards, starts, strict=False))]
        map_units("sample draw", partial(draw, self.chosen, dropped), units)
        return Outcome(("sample.share", "sample.short"), dropped, DOCUMENTS)


def draw(chosen: Settings, dropped: Records, unit: tuple[int, ShardDocuments, int]) -> None:
    number, shard, start = unit
    SEEN.append(shard.name)
    arrived = start + np.flatnonzero(shard.arrives())
    undrawn = hash_numbers(arrived, chosen.seed) >= np.uint64(int(chosen.share * (2**64 - 1)))
    short = np.zeros(len(arrived), bool)
    if chosen.longer:
        lengths = shard.columns([chosen.longer]).column(0).to_numpy()[arrived - start]
        short = lengths < lengths.mean()
    gone = short | undrawn
    records = np.empty(int(gone.sum()), DROPPED_RECORD)
    records["document"], records["rule"] = arrived[gone], short[gone]
    records["duplicate_of"], records["similarity"] = NONE, np.nan
    dropped.write(number, records, records["document"] // DOCUMENTS)


def build(settings: Settings, paths: Paths) -> Sample:
    return Sample(settings)
