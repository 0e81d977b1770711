"""Measured columns of a shard, as a unit of work is told of them and reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import DamagedFile
from refinery.plan.graph import Column
from refinery.plan.plan import PlannedShard
from refinery.storage.tables import read_table

# In files of late measurements: of which documents they are.
MEASURED = pa.field("_measured", pa.bool_(), nullable=False)


@dataclass(frozen=True)
class ColumnFile:
    """A file of measurements in a shard's folder, and columns of it by the names that a stage gives them.

    names: (in the stage, in the file); late: measured only where a stage asked for it.
    """

    file: str
    names: tuple[tuple[str, str], ...]
    late: bool


def column_files(columns: Mapping[str, Column], wanted: Iterable[str]) -> tuple[ColumnFile, ...]:
    """Where the wanted columns of a stage and source are; raises KeyError for one that is not measured."""
    found: dict[str, tuple[bool, list[tuple[str, str]]]] = {}
    for name in wanted:
        column = columns[name]
        late = column.measurement.late
        found.setdefault(column.measurement.file, (late, []))[1].append((name, column.original))
    return tuple(ColumnFile(file, tuple(names), late) for file, (late, names) in found.items())


def load_columns(
    planned: PlannedShard, files: Sequence[ColumnFile], needed: NDArray[np.bool_] | None = None
) -> pl.DataFrame:
    """The columns, a row for each of the shard's documents; needed: documents whose values count.

    Raises DamagedFile when a late measurement was not made of all of those: a worker that was thought dead can put
    an earlier file over a later one, and NULL would then pass for a measured value.
    """
    arrays: dict[str, pa.ChunkedArray] = {}
    for file in files:
        place = planned.folder / file.file
        table = read_table(place, [original for _, original in file.names] + [MEASURED.name] * file.late)
        if file.late:
            measured = table.column(MEASURED.name).to_numpy()
            if not measured.all() if needed is None else (needed & ~measured).any():
                raise DamagedFile(str(place), "documents that came to the stage are not measured")
        arrays |= {name: table.column(original) for name, original in file.names}
    return pl.DataFrame(pa.table(arrays))
