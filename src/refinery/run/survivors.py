"""What an output has of a shard: who survives, in which split, and where its text lies in that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash
from numpy.typing import NDArray

from refinery.dedup.split import bounds_of, split_numbers
from refinery.definition.models import Output
from refinery.plan.graph import ResolvedStage, View
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import NamedColumn, find_columns, load_columns
from refinery.run.decide import Upstream, kept_documents, upstream
from refinery.storage.tables import read_table


@dataclass(frozen=True)
class Survivors:
    """A shard's part of an output; measured: the columns of it that are written, sizes: where the bytes are.

    position: the file of the digests that splits follow from, and where these end; None: the output is not split.
    """

    planned: PlannedShard
    view: View
    kept: Upstream
    measured: tuple[NamedColumn, ...]
    sizes: tuple[NamedColumn, ...]
    position: tuple[str, tuple[int, ...]] | None = None

    @property
    def splits(self) -> int:
        """How many splits the output has; at least one."""
        return len(self.position[1]) + 1 if self.position else 1


def survivors_of(
    plan: Plan, output: Output, stage: ResolvedStage, source: str, measured: tuple[str, ...]
) -> list[Survivors]:
    """Of each shard of a source, in order, what an output of this stage has; measured: columns that are written."""
    columns = stage.columns[source]
    written = find_columns(columns, (name for name in measured if name in columns))
    sizes = find_columns(columns, ("bytes",))
    kept, bounds = upstream(plan, stage.name, source), bounds_of(output.split)
    position = (plan.graph.positions[source].measurement.file, bounds) if bounds else None
    view = stage.views[source]
    return [Survivors(planned, view, kept, written, sizes, position) for planned in plan.of(source)]


@dataclass(frozen=True)
class Extent:
    """Text bytes of a shard's survivors in each split, and of all its documents; a digest of who survives."""

    splits: tuple[int, ...]
    read: int
    digest: str

    @property
    def bytes(self) -> int:
        """Of all survivors."""
        return sum(self.splits)


def extent_of(survivors: Survivors) -> Extent:
    """How much of a shard is written."""
    sizes, kept = _sizes(survivors), kept_documents(survivors.planned, survivors.kept)
    found = np.zeros(survivors.splits, np.int64)
    np.add.at(found, splits_of(survivors, len(kept))[kept], sizes[kept])
    digest = xxhash.xxh3_128_hexdigest(np.packbits(kept).tobytes())
    return Extent(tuple(found.tolist()), int(sizes.sum()), digest)


def _sizes(survivors: Survivors) -> NDArray[np.int64]:
    return load_columns(survivors.planned, survivors.sizes)["bytes"].to_numpy()


def splits_of(survivors: Survivors, documents: int) -> NDArray[np.int64]:
    """The number of the split of each of a shard's documents."""
    if survivors.position is None:
        return np.zeros(documents, np.int64)
    file, bounds = survivors.position
    return split_numbers(read_table(survivors.planned.folder / file).column(0), bounds)


def starts_of(
    survivors: Survivors, kept: NDArray[np.bool_], splits: NDArray[np.int64], before: Sequence[int]
) -> NDArray[np.int64]:
    """The text bytes of its split that lie before each document of a shard; before: those before the shard."""
    sizes = _sizes(survivors) * kept
    starts = np.empty(len(sizes), np.int64)
    for split, first in enumerate(before):
        here = splits == split
        starts[here] = first + np.cumsum(sizes[here]) - sizes[here]
    return starts
