"""Lineage: which file a row of a shard is of, and which row of that file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from refinery.sources.documents import FileRows, Shard
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

_SCHEMA = pa.schema([("path", pa.string()), ("rows", pa.int64()), ("hash", pa.string())])


@dataclass(frozen=True)
class Lineage:
    """The files of a shard: their paths below the source's root, and the row of the shard that is the first of each.

    starts: int64 (files,); of a shard that is a part of a file it is negative.
    """

    paths: tuple[str, ...]
    starts: NDArray[np.int64]

    def path_of(self, rows: NDArray[np.int64]) -> pa.Array:
        """string (rows,): the path of the file of each row of the shard."""
        return self.of_files(pa.array(self.paths, pa.string()), rows)

    def row_in_file(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64 (rows,): the number of each row of the shard in its file."""
        found: NDArray[np.int64] = rows - self.starts[self.file_of(rows)]
        return found

    def file_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64 (rows,): the number of the file of each row of the shard."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def of_files(self, values: pa.Array, rows: NDArray[np.int64]) -> pa.Array:
        """(rows,): of values, one a file, those of the file of each row of the shard."""
        if len(values) == 1:
            return pa.repeat(values[0], len(rows))
        return values.take(pa.array(self.file_of(rows)))

    @cached_property
    def hexdigests(self) -> pa.Array:
        """string (files,): 16 hex digits (xxh3-64) of each path."""
        return pa.array([xxhash.xxh3_64_hexdigest(encoded(path)) for path in self.paths], pa.string())

    def seeds(self, source: str) -> NDArray[np.uint64]:
        """uint64 (files,): a hash of the source's name and each path."""
        return np.array([place_hash(source, path) for path in self.paths], np.uint64)


def place_hash(*words: object) -> int:
    """64 bits (xxh3-64) of a source's name and a path below its root, and what tells a place there from others."""
    return xxhash.xxh3_64_intdigest(encoded("\n".join(map(str, words))))


def encoded(path: str) -> bytes:
    """A path as bytes, to be hashed; one that is not UTF-8 on disk too."""
    return path.encode("utf-8", "surrogateescape")


def lineage_of(shard: Shard) -> Lineage:
    """The lineage of a shard whose first row is known or, of a pack and an archive, that has been read.

    The file of a row of an archive is the one in it, `archive.zip/path/in/it.txt`. Raises DamagedFile.
    """
    if place := shard.archived or (shard.pack and shard.pack.lineage):
        return _of_files(place)
    return Lineage((shard.relative_path,), np.array([-shard.first_row], np.int64))


@lru_cache(maxsize=4)
def _of_files(place: Place) -> Lineage:
    files = read_lineage(place)
    ends = np.cumsum([file.rows for file in files], dtype=np.int64)
    return Lineage(tuple(file.path for file in files), np.concatenate([[0], ends[:-1]]))


def write_lineage(place: Place, files: Sequence[FileRows]) -> None:
    """Writes what has been found out about the files of a pack or of archives; raises OutputError."""
    columns = zip(*files, strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    with TableWriter(place, _SCHEMA, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA))


def read_lineage(place: Place) -> list[FileRows]:
    """What has been found out about the files of a pack or of archives, in order; raises DamagedFile."""
    table = read_table(place, _SCHEMA.names)
    return [FileRows(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
