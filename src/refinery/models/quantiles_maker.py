"""Quantiles as a result of a run: units read columns of documents that a stage keeps, one counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from refinery.definition.trainings import QuantileCount
from refinery.errors import DefinitionError
from refinery.models.drawn_columns import draw_columns, read_columns
from refinery.models.maker import Inputs, TrainingMaker, in_one_unit
from refinery.models.quantiles import QUANTILES, Quantiles, cuts_of, numbers_of
from refinery.shuffle.units import MapUnits
from refinery.storage.commit import commit_bytes
from refinery.storage.place import Place

MEMORY = 64 << 20  # of the unit that counts, without any document
VALUE_BYTES = 64  # of that unit's memory, for each value


@dataclass(frozen=True)
class QuantilesMaker(TrainingMaker):
    """Counts values of columns, see refinery.models.quantiles: quantiles.json."""

    training: QuantileCount
    name: str = QuantileCount.word
    version: int = 1

    def make(self, inputs: Inputs, map_units: MapUnits, folder: Path, work: Place) -> None:
        """Reads columns as they were measured, then counts in one unit.

        Raises DefinitionError for a column without a number.
        """
        chosen, shards = self.training, inputs["from"]
        files = draw_columns("documents", chosen.columns, shards, chosen.documents, map_units, work)
        drawn = min(sum(shard.arrived for shard in shards), chosen.documents)
        memory = MEMORY + VALUE_BYTES * drawn * (len(chosen.columns) + 1)
        in_one_unit(
            "count quantiles", partial(write_quantiles, chosen, files), map_units, memory, folder, work
        )


def write_quantiles(chosen: QuantileCount, files: Sequence[Place], folder: Place) -> Sequence[str]:
    """Counts what units have written; raises DefinitionError for a column without a number."""
    frame = read_columns(files)
    numbers = {name: numbers_of(frame[name]) for name in chosen.columns if len(frame)}
    if without := [name for name in chosen.columns if name not in numbers or not len(numbers[name])]:
        stages = ", ".join(chosen.from_)
        raise DefinitionError(*(f"no document of {stages} has a number in {name!r}" for name in without))
    found = Quantiles(
        buckets=chosen.buckets,
        documents={name: len(values) for name, values in numbers.items()},
        cuts={name: cuts_of(values, chosen.buckets) for name, values in numbers.items()},
    )
    commit_bytes(folder / QUANTILES, found.model_dump_json(indent=1).encode(), scratch=True)
    return [QUANTILES]
