"""Reading Parquet in bounded memory: row group by row group, in batches cut by bytes, only the columns asked for.

A row group's pages are decoded as batches go, so memory does not follow the size of a row group. Columns that
are all dictionary are read as dictionaries: 13 KB on disk can stand for 2 GiB of text. Batches are chosen from the
footer alone, so a second read that asks for other columns meets the same batches, and the same broken ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refinery.errors import InputError, StorageError
from refinery.sources.documents import (
    Cut,
    Documents,
    FilePlan,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.parquet_columns import locate
from refinery.sources.parquet_file import opened, readable
from refinery.sources.record_batches import BatchRows
from refinery.storage.marks import MADE
from refinery.storage.url import redact

SHARD_ROWS = 2**20  # empty rows have next to no bytes, yet each is a document to be measured and decided on
_MAX_BATCH_ROWS = 1024  # rows of very unequal length make an average useless, so a batch is never long


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """Cuts a file into runs of row groups of about `shard_bytes` or `SHARD_ROWS`.

    Raises InputError when it is not usable.
    """
    if whole.bytes == 0:
        raise InputError(redact(whole.path), "the file is empty (0 bytes)")
    with opened(whole, spec) as (file, hidden, packed):
        made = tuple(orjson.loads((file.schema_arrow.metadata or {}).get(MADE, b"[]")))
        columns = locate(readable(file, hidden, spec, whole), spec, replace(whole, made=made))
        sizes = [file.metadata.row_group(g).total_byte_size for g in range(file.num_row_groups)]
        rows = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    found: list[Cut] = []
    start = first_row = count = size = 0
    for group in range(len(sizes)):
        count, size = count + rows[group], size + sizes[group]
        last = group == len(sizes) - 1
        if last or ((size >= shard_bytes or count >= SHARD_ROWS) and not packed):
            stop = -1 if last and start == 0 else group + 1
            found.append(Cut(start, stop, first_row, count, size))
            start, first_row, count, size = group + 1, first_row + count, 0, 0
    return FilePlan(tuple(found) or (Cut(0, -1, 0, 0, 0),), columns.carried, made)


def carried_schema(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The shard's columns beside text and id, as the footer tells them; raises InputError."""
    with opened(shard, spec) as (file, hidden, _):
        return locate(readable(file, hidden, spec, shard), spec, shard).carried


def read(shard: Shard, request: Request) -> Iterator[Documents]:
    """The shard's rows in order; those of a batch that cannot be decoded become rejects.

    Row groups without wanted rows are not read. Raises InputError when the file is not as planned or columns do not
    fit `carry`, StorageError when the disk or store fails.
    """
    spec, carry, wanted, batch_bytes, description = request
    with opened(shard, spec, rows=True) as (file, hidden, _):
        columns = locate(readable(file, hidden, spec, shard), spec, shard)
        if description is not None:
            description.rows, description.carried = shard.rows or 0, columns.carried
        reader = _Reader(file, shard, BatchRows(columns, shard, spec, carry, batch_bytes))
        for run in reader.runs():
            mine = None
            if wanted is not None:
                low, high = np.searchsorted(wanted, [run.row, run.end])
                mine = wanted[low:high]
            if run.end > run.row and (mine is None or len(mine)):
                yield from reader.read(run, mine)


@dataclass(frozen=True)
class _Run:
    """Row groups that are read together: one, or several that are small; rows `row` to `end` of the shard."""

    groups: range
    row: int
    end: int
    size: int


@dataclass(frozen=True)
class _Reader:
    """An open shard and how it is read."""

    file: pq.ParquetFile
    shard: Shard
    rows: BatchRows

    def runs(self) -> Iterator[_Run]:
        """The shard's row groups in runs that are a batch at most, or one group."""
        stop = self.file.num_row_groups if self.shard.stop == -1 else self.shard.stop
        run = _Run(range(self.shard.start, self.shard.start), 0, 0, 0)
        for group in range(self.shard.start, stop):
            one = self._one(group, run.end)
            size, rows = run.size + one.size, one.end - run.row
            if run.groups and (size > self.rows.batch_bytes or rows > _MAX_BATCH_ROWS):
                yield run
                run = one
            else:
                run = _Run(range(run.groups.start, group + 1), run.row, one.end, size)
        yield run

    def _one(self, group: int, row: int) -> _Run:
        described = self.file.metadata.row_group(group)
        return _Run(range(group, group + 1), row, row + described.num_rows, described.total_byte_size)

    def read(self, run: _Run, wanted: NDArray[np.int64] | None) -> Iterator[Documents]:
        """The run's rows, or those that are wanted; what cannot be decoded becomes rejects."""
        row = run.row
        batches = self._batches(run)
        while row < run.end:
            try:
                batch = next(batches, None)
                if batch is None:
                    raise pa.ArrowInvalid("the row group ends early")
            except (pa.ArrowException, OSError) as error:
                if len(run.groups) > 1:
                    yield from self._one_by_one(run, wanted)
                else:
                    yield from self._corrupt(run, row, wanted, error)
                return
            rows = np.arange(row, row + len(batch))
            row += len(batch)
            if wanted is not None:
                low, high = np.searchsorted(wanted, [rows[0], row])
                if low == high:
                    continue
                if high - low < len(batch):
                    rows = wanted[low:high]
                    batch = batch.take(pa.array(rows - (row - len(batch))))
            yield from self.rows.documents(batch, rows)

    def _batches(self, run: _Run) -> Iterator[pa.RecordBatch]:
        columns = self.rows.columns.to_read(self.rows.carry)
        if len(run.groups) > 1:
            table = self.file.read_row_groups(list(run.groups), columns=columns, use_threads=False)
            yield from table.unify_dictionaries().combine_chunks().to_batches()
            return
        per_row = max(1, run.size // (run.end - run.row))
        batch_rows = int(min(max(self.rows.batch_bytes // per_row, 1), _MAX_BATCH_ROWS))
        yield from self.file.iter_batches(batch_rows, list(run.groups), columns=columns, use_threads=False)

    def _one_by_one(self, run: _Run, wanted: NDArray[np.int64] | None) -> Iterator[Documents]:
        """The groups of a run that cannot be decoded together, so that the damaged one alone is lost."""
        row = run.row
        for group in run.groups:
            one = self._one(group, row)
            row = one.end
            mine = wanted if wanted is None else wanted[(wanted >= one.row) & (wanted < one.end)]
            if one.end > one.row and (mine is None or len(mine)):
                yield from self.read(one, mine)

    def _corrupt(
        self, run: _Run, row: int, wanted: NDArray[np.int64] | None, error: Exception
    ) -> Iterator[Documents]:
        """All rows of the group from the failed batch on; what an earlier batch gave is sound."""
        group = run.groups.start
        if isinstance(error, OSError) and error.errno:
            raise StorageError(self.shard.name, f"cannot be read: {error.strerror}") from None
        if wanted is not None:
            problem = f"row group {group} cannot be decoded, and rows of it are to be written: {error}"
            raise InputError(
                self.shard.name, problem[:400], "fetch the file again or take it out of the source"
            )
        detail = f"row group {group}: {str(error)[:200]}"
        yield Documents.rejected(tuple(Reject(n, "corrupt_page", detail) for n in range(row, run.end)))
