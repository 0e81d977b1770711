"""What an output has of a shard: who survives, in which split, and where its text lies in that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from refinery.dedup.split import Split, split_of
from refinery.definition.outputs import Output
from refinery.plan.graph import PathColumn, ResolvedStage, View
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import NamedColumn, file_paths, find_columns, load_columns
from refinery.run.decide import Upstream, kept_documents, upstream
from refinery.run.kinds import Kinds, counted_columns, kinds_of
from refinery.run.repeats import repeats_key, repeats_of
from refinery.sources.column_settings import FILE
from refinery.storage.tables import read_table


@dataclass(frozen=True)
class Survivors:
    """A shard's part of an output; measured: the columns of it that are written, sizes: where the bytes are.

    kinds: licence and language, as far as they are known, which the records of the output count.
    split: what tells the splits of the output, if it is split, of `split_columns`: file and name of each, in order;
    None stands for the path of a document's file. repeats: the key of the outcome that says how many times documents
    are written, empty where each is written once; turn: in the input's order, whose documents of which writing these
    are; None: of all, which a shuffle places.
    """

    planned: PlannedShard
    view: View
    kept: Upstream
    measured: tuple[NamedColumn, ...]
    sizes: tuple[NamedColumn, ...]
    kinds: tuple[NamedColumn, ...] = ()
    split: Split | None = None
    split_columns: tuple[tuple[str, str] | None, ...] = ()
    repeats: str = ""
    turn: int | None = None

    @property
    def splits(self) -> int:
        """How many splits the output has; at least one."""
        return self.split.count if self.split else 1

    @property
    def part(self) -> tuple[int, int | None]:
        """What it is of the output: a shard, by its number, and a turn."""
        return self.planned.number, self.turn


def survivors_of(
    plan: Plan, output: Output, stage: ResolvedStage, source: str, measured: tuple[str, ...]
) -> list[Survivors]:
    """Of each shard of a source, in order, what an output of this stage has; measured: columns that are written."""
    columns = stage.columns[source]
    written = find_columns(columns, (name for name in measured if name in columns))
    sizes = find_columns(columns, ("bytes",))
    kept, view, split = upstream(plan, stage.name, source), stage.views[source], split_of(output)
    positions = plan.graph.positions.get(source, {})
    told = [positions[name] for name in split.needed] if split else []
    files = tuple(
        None if isinstance(column, PathColumn) else (column.measurement.file, column.original)
        for column in told
    )
    kinds = find_columns(columns, counted_columns(columns))
    repeats = repeats_key(plan, stage) if output.repeats == "copies" else ""
    return [
        Survivors(planned, view, kept, written, sizes, kinds, split, files, repeats)
        for planned in plan.of(source)
    ]


def copies_of(survivors: Survivors) -> NDArray[np.int32]:
    """int32 (documents,): how many times each of a shard's documents is written, in its turn or in all."""
    planned = survivors.planned
    kept = kept_documents(planned, survivors.kept)
    times = repeats_of(planned, survivors.repeats, len(kept))
    if survivors.turn is not None:
        times = (times > survivors.turn).astype(np.int32)
    return np.where(kept, times, 0)


@dataclass(frozen=True)
class Extent:
    """Text bytes of a shard's survivors in each split, and of all its documents; a digest of who survives.

    most: how many times one is written at most; kinds: by column, of the survivors; arrived: of all its documents.
    """

    splits: tuple[int, ...]
    read: int
    digest: str
    most: int
    kinds: Mapping[str, Kinds]
    arrived: Mapping[str, Kinds]

    @property
    def bytes(self) -> int:
        """Of all survivors."""
        return sum(self.splits)


def extent_of(survivors: Survivors) -> Extent:
    """How much of a shard is written."""
    copies = copies_of(survivors)
    kept, most = copies > 0, int(copies.max(initial=0))
    sizes = _sizes(survivors, kept)
    found = np.zeros(survivors.splits, np.int64)
    np.add.at(found, splits_of(survivors, len(kept))[kept], (sizes * copies)[kept])
    digest = xxhash.xxh3_128_hexdigest((np.packbits(kept) if most < 2 else copies).tobytes())
    values = load_columns(survivors.planned, survivors.kinds, kept)
    chosen = values.filter(pl.Series(kept)) if survivors.kinds else values
    return Extent(tuple(found.tolist()), int(sizes.sum()), digest, most, kinds_of(chosen), kinds_of(values))


def _sizes(survivors: Survivors, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bytes of each document; 0 where a text that verbs cut was not measured, of one that did not come."""
    return load_columns(survivors.planned, survivors.sizes, kept)["bytes"].fill_null(0).to_numpy()


def splits_of(survivors: Survivors, documents: int) -> NDArray[np.int64]:
    """The number of the split of each of a shard's documents."""
    split = survivors.split
    if split is None:
        return np.zeros(documents, np.int64)
    planned = survivors.planned
    tables = [
        read_table(planned.folder / one[0], [one[1]]) if one else pa.table({FILE: file_paths(planned)})
        for one in survivors.split_columns
    ]
    fields = [table.schema.field(0).with_name(name) for table, name in zip(tables, split.needed, strict=True)]
    return split.numbers(pa.table([table.column(0) for table in tables], pa.schema(fields)))


def starts_of(
    survivors: Survivors, copies: NDArray[np.int32], splits: NDArray[np.int64], before: Sequence[int]
) -> NDArray[np.int64]:
    """The text bytes of its split that lie before each document of a shard; before: those before the shard."""
    sizes = _sizes(survivors, copies > 0) * copies
    starts = np.empty(len(sizes), np.int64)
    for split, first in enumerate(before):
        here = splits == split
        starts[here] = first + np.cumsum(sizes[here]) - sizes[here]
    return starts
