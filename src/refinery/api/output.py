"""A finished output: where it lies, what it counts, and what became of every document that could reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa

from refinery.errors import InputError
from refinery.storage.marks import records_of
from refinery.storage.place import Place
from refinery.storage.tables import read_schema, read_table
from refinery.storage.url import redact

if TYPE_CHECKING:
    from refinery.plan.graph import Column
    from refinery.plan.plan import Plan, PlannedShard
    from refinery.run.manifest import Manifest

LINEAGE = pa.schema(
    [("source", pa.string()), ("path", pa.string()), ("row", pa.int64()), ("id", pa.string())]
)


@dataclass(frozen=True)
class Output:
    """An output of a run; `manifest` is its record, with the counts of every source, stage and rule.

    The frames are lazy: only the columns and files that a query asks for are read, when it is collected.
    """

    name: str
    manifest: Manifest = field(repr=False)
    plan: Plan = field(repr=False)

    @property
    def path(self) -> Place:
        """Its folder, which has its documents and nothing else."""
        return self.plan.graph.output_paths[self.name]

    @property
    def records(self) -> Place:
        """The folder beside it that has the decisions, the rejects and the manifest."""
        return records_of(self.path)

    @property
    def files(self) -> tuple[Place, ...]:
        """Its data files, in order."""
        return tuple(self.path / file.path for file in self.manifest.files)

    def documents(self) -> pl.LazyFrame:
        """What was written: the text, the id, carried columns, measurements and lineage.

        Raises InputError for an output of token ids, which has `sequences`.
        """
        if self.manifest.tokenised:
            raise InputError(redact(str(self.path)), "it holds token ids, no texts", "ask for `sequences`")
        if self.plan.graph.outputs[self.name].format == "jsonl":
            # a column may be NULL in many rows, and in the first file
            frames = [pl.scan_ndjson(str(file), infer_schema_length=None) for file in self.files]
            return pl.concat(frames, how="diagonal_relaxed")
        return _scan(self.files)

    def sequences(self) -> pl.LazyFrame:
        """Of token ids: which document each sequence is, by pair, number, start and tokens; see docs/outputs.md.

        Raises InputError for an output of texts.
        """
        if not self.manifest.tokenised:
            raise InputError(redact(str(self.path)), "it holds texts, no token ids", "ask for `documents`")
        return _scan([self.records / file.path for file in self.manifest.sequences])

    def decisions(self) -> pl.LazyFrame:
        """A row for every row that was read: kept, rejected, or dropped and by which rule; see docs/outputs.md."""
        return _scan([self.records / file.path for file in self.manifest.decisions])

    def measurements(self) -> pl.LazyFrame:
        """Everything that is measured on the documents of the sources that reach it, whether they were kept or not.

        Columns: `source`, `path`, `row` and `id`, by which they join the decisions, and those that rules of its stage
        may read; NULL where a document did not come so far as to be measured. They lie in the work folder until
        `refinery clean`.
        """
        from refinery.run.finished import with_rows

        plan = with_rows(self.plan)
        stage = plan.graph.stage_of(self.name)
        columns = {s: stage.columns[s] for s in stage.sources}
        kinds = [pa.schema([(n, c.type) for n, c in found.items()]) for found in columns.values()]
        schema = pa.unify_schemas([LINEAGE, *kinds], promote_options="permissive")

        def frames(names: list[str]) -> Iterator[pl.DataFrame]:
            for planned in plan.reaching(stage):
                yield _measured(planned, columns[planned.spec.name], names)

        return _lazy(schema, frames)


def _measured(planned: PlannedShard, columns: dict[str, Column], names: list[str]) -> pl.DataFrame:
    """Lineage and columns of a shard's documents; those that its source does not have are left out."""
    from refinery.run.columns import find_columns, load_columns
    from refinery.sources.ids import listed_ids, places_of

    listing = read_table(planned.documents_file)
    places = places_of(planned.shard, listing.column("row").to_numpy())
    lineage = pl.DataFrame(
        pa.Table.from_arrays([*places, listed_ids(planned.shard, listing)], schema=LINEAGE)
    )
    found = find_columns(columns, (name for name in names if name in columns))
    measured = load_columns(planned, found, np.zeros(len(listing), np.bool_))
    return pl.concat([lineage, measured], how="horizontal")


def _scan(files: Iterable[Place]) -> pl.LazyFrame:
    places = list(files)
    if all(isinstance(place, Path) for place in places):
        return pl.scan_parquet([str(place) for place in places])
    return _lazy(
        read_schema(places[0]), lambda names: (pl.DataFrame(read_table(place, names)) for place in places)
    )


def _lazy(schema: pa.Schema, frames: Callable[[list[str]], Iterator[pl.DataFrame]]) -> pl.LazyFrame:
    """A frame of others that are made, of the columns that are asked for, when it is collected.

    Columns that one of them lacks are NULL there.
    """
    from polars.io.plugins import register_io_source

    nothing = pl.DataFrame(schema.empty_table())

    def read(
        names: list[str] | None, predicate: pl.Expr | None, rows: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = names if names is not None else schema.names
        for made in frames(wanted):
            frame = pl.concat([nothing.select(wanted), made], how="diagonal_relaxed").select(wanted)
            frame = frame if rows is None else frame.head(rows)
            rows = None if rows is None else rows - len(frame)
            yield frame if predicate is None else frame.filter(predicate)
            if rows == 0:
                return

    return register_io_source(read, schema=nothing.schema, validate_schema=True, is_pure=True)
