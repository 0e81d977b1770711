"""Values of columns of the documents that come to a stage, a shard at a time, each with a random number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import find_columns, load_columns
from refinery.shuffle.partition import hash_numbers
from refinery.sources.ids import identities
from refinery.storage.tables import read_table


@dataclass(frozen=True)
class StageValues:
    """Documents of a shard: their positions in it, columns, and a hash of seed and identity, uint64."""

    planned: PlannedShard
    at: NDArray[np.int64]
    columns: pl.DataFrame
    draws: NDArray[np.uint64]


def stage_values(plan: Plan, stage: ResolvedStage, names: Sequence[str], seed: int) -> Iterator[StageValues]:
    """Of each shard the documents that came to the stage; NULL in columns that their source does not have."""
    for source in stage.sources:
        key = plan.decision_key(stage.name, source)
        for planned in plan.of(source):
            outcome = read_table(planned.decision_file(key), ["outcome"]).column(0)
            at = np.flatnonzero(outcome.is_valid().to_numpy())
            columns = shard_columns(planned, stage, names, len(outcome))[at]
            rows = read_table(planned.documents_file, ["row"]).column(0).to_numpy()[at]
            draws = hash_numbers(identities(planned.shard, rows).view(np.int64), seed)
            yield StageValues(planned, at, columns, draws)


def shard_columns(
    planned: PlannedShard, stage: ResolvedStage, names: Sequence[str], size: int
) -> pl.DataFrame:
    """Columns of all of a shard's documents, which are so many; NULL those that their source does not have."""
    there = stage.columns[planned.spec.name]
    columns = find_columns(there, (name for name in names if name in there))
    nothing = np.zeros(size, np.bool_)
    frame = load_columns(planned, columns, nothing) if columns else pl.DataFrame({"": nothing})
    return frame.with_columns(pl.lit(None).alias(name) for name in names if name not in there).select(names)
