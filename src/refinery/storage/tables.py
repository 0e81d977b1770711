"""Reading back the Parquet files that refinery wrote, wherever they are; what is damaged is never read as data."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from refinery.errors import DamagedFile
from refinery.storage.place import Place, open_input, read_file
from refinery.storage.sealed import VerifiedFile

BATCH_ROWS = 1 << 16
_AT_ONCE = 1 << 24  # bytes
RANGE_ROWS = 1 << 15  # of a range of rows that are held at a time: 15 MB of signatures


@contextmanager
def open_table(place: Place) -> Iterator[pq.ParquetFile]:
    """The file, to be read by row groups or batches; each block is verified before it is believed.

    Raises DamagedFile when the file is gone or is not as it was written.
    """
    with (
        _damage(place),
        open_input(str(place)) as file,
        _parquet(VerifiedFile(file), at_once=not isinstance(place, Path)) as table,
    ):
        yield table


def read_table(place: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The columns named, or all, in the file's order of rows; raises DamagedFile."""
    with _fetched(place) as file:
        # of lists that are read at once Arrow holds four times their size
        groups = [
            file.read_row_group(n, columns, use_threads=False) for n in range(file.metadata.num_row_groups)
        ]
        table = pa.concat_tables(groups) if groups else file.read(columns, use_threads=False)
        missing = set(columns or ()) - set(table.column_names)
        if missing:
            raise DamagedFile(str(place), f"it has no column {min(missing)!r}")
        return table


def read_batches(place: Place) -> Iterator[pa.RecordBatch]:
    """The file's rows, a batch at a time: of a file that may hold many more rows than bytes; raises DamagedFile."""
    with _fetched(place) as file:
        yield from file.iter_batches(batch_size=BATCH_ROWS, use_threads=False)


def read_rows(
    place: Place, columns: list[str], start: int, stop: int
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The first row and the wanted columns of each batch of rows start:stop of a table; raises DamagedFile."""
    with open_table(place) as file:
        sizes = [file.metadata.row_group(n).num_rows for n in range(file.metadata.num_row_groups)]
        ends = np.cumsum([0, *sizes])
        groups = [n for n in range(len(sizes)) if ends[n] < stop and ends[n + 1] > start]
        row = int(ends[groups[0]]) if groups else 0
        for batch in file.iter_batches(RANGE_ROWS, row_groups=groups, columns=columns, use_threads=False):
            low, high = max(start - row, 0), min(stop - row, batch.num_rows)
            if high > low:
                yield row + low, batch.slice(low, high - low)
            row += batch.num_rows


def read_schema(place: Place) -> pa.Schema:
    """The file's schema; raises DamagedFile."""
    with _fetched(place) as file:
        return file.schema_arrow


def row_count(place: Place) -> int:
    """The file's rows; raises DamagedFile."""
    with _fetched(place) as file:
        return int(file.metadata.num_rows)


def verify_table(place: Place) -> None:
    """Reads the whole file; raises DamagedFile when any byte is not as it was written."""
    with _damage(place), open_input(str(place)) as file:
        verified = VerifiedFile(file)
        while verified.read(_AT_ONCE):
            pass


@contextmanager
def _fetched(place: Place) -> Iterator[pq.ParquetFile]:
    """As `open_table`, but from an object store the file comes whole, in one request."""
    if isinstance(place, Path):
        with open_table(place) as table:
            yield table
        return
    with _damage(place), _parquet(VerifiedFile(io.BytesIO(read_file(place)))) as table:
        yield table


def _parquet(file: VerifiedFile, *, at_once: bool = False) -> pq.ParquetFile:
    """at_once: what is asked for is fetched and held together, which pays where each request takes its time."""
    footer = pq.read_metadata(pa.BufferReader(file.tail))
    return pq.ParquetFile(file, metadata=footer, pre_buffer=at_once)


@contextmanager
def _damage(place: Place) -> Iterator[None]:
    """Tells what reading finds wrong with the file itself; an error of the disk or the network stays as it is."""
    try:
        yield
    except FileNotFoundError:
        raise DamagedFile(str(place), "it is gone") from None
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        # Arrow gives its own findings as OSErrors without a number
        if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
            raise
        problem = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise DamagedFile(str(place), problem) from None
