"""Columns of documents, of a bounded number that a hash of their identities chooses: the same whatever the shards."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from refinery.shuffle.units import MapUnits
from refinery.sources.documents import ShardDocuments
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

if TYPE_CHECKING:
    import polars as pl

IDENTITY = "__identity"


class _Shard(NamedTuple):
    """A shard, the file for what is read of it, and the hash up to which its documents are chosen."""

    shard: ShardDocuments
    file: Place
    bound: int


def draw_columns(
    part: str,
    columns: Sequence[str],
    shards: Sequence[ShardDocuments],
    most: int,
    map_units: MapUnits,
    work: Place,
) -> list[Place]:
    """Units write columns of about `most` of the documents that arrive; gives the files, which the part names."""
    bound = _bound(sum(shard.arrived for shard in shards), most)
    units = [_Shard(shard, work / f"{part}-{n:06}.parquet", bound) for n, shard in enumerate(shards)]
    map_units(f"read {part}", partial(write_columns, columns), units)
    return [unit.file for unit in units]


def read_columns(files: Sequence[Place]) -> pl.DataFrame:
    """What units have written, with IDENTITY, in its order and each identity once; no rows of no documents."""
    import polars as pl

    tables = [pl.DataFrame(read_table(file)) for file in files]
    if not tables:
        return pl.DataFrame()
    whole = pl.concat(tables, how="vertical_relaxed")
    return whole.unique(IDENTITY, keep="first", maintain_order=True).sort(IDENTITY)


def write_columns(columns: Sequence[str], unit: _Shard) -> None:
    """Writes columns and the identity of the chosen documents that arrive."""
    identities = unit.shard.identities()
    chosen = pa.array(np.flatnonzero(unit.shard.arrives() & (identities <= np.uint64(unit.bound))))
    table = unit.shard.columns(columns).take(chosen)
    table = table.append_column(IDENTITY, pa.array(identities).take(chosen))
    with TableWriter(unit.file, table.schema, scratch=True) as writer:
        writer.write(table)


def _bound(documents: int, most: int) -> int:
    """The hash up to which `most` of so many documents are chosen, about."""
    whole = (1 << 64) - 1
    return whole if documents <= most else whole * most // documents
