"""Reading back the Parquet files that refinery wrote, wherever they are; page checksums are verified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.storage.filesystem import open_input
from refinery.storage.place import Place


def open_table(place: Place) -> pq.ParquetFile:
    """The file, to be read by row groups or batches; closes with the `with` block."""
    source = place if isinstance(place, Path) else open_input(str(place))
    return pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=not isinstance(place, Path))


def read_table(place: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The columns named, or all, in the file's order of rows."""
    with open_table(place) as file:
        return file.read(columns=columns, use_threads=False)


def read_schema(place: Place) -> pa.Schema:
    """The file's schema."""
    with open_table(place) as file:
        return file.schema_arrow


def row_count(place: Place) -> int:
    """The file's rows, from its footer."""
    with open_table(place) as file:
        return int(file.metadata.num_rows)
