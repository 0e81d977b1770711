"""Records that units write partitioned by key, for later units to read a partition of.

    with Records.create(work / "bands", BAND, partitions=64, writers=12) as bands:
        map_units("write", partial(write_bands, bands), range(bands.writers))
        map_units("read", partial(find_buckets, bands), range(bands.partitions))

A handle is a small picklable value that says what the records are, how many partitions they have and how many units
write them: unit n writes file n once, a reader names the partition alone. Files are committed whole and have the
same bytes whoever writes them; what is read is verified, and damage is a DamagedFile. The folder is removed at the
end of the block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.shuffle.blocks import BlockWriter
from refinery.shuffle.pieces import Bytes, Piece, find_pieces, read_pieces, read_whole
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_scratch, remove_tree


class Sized(Protocol):
    """An array or a table."""

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""

    def __len__(self) -> int: ...


Rows = TypeVar("Rows", bound=Sized)

REQUEST = np.dtype(
    [("document", np.int64), ("partition", np.int64)]
)  # for what a document has, by a partition
BLOCK_BYTES = 1 << 30  # of rows that a writer holds, unless it is told otherwise: mostly all that it has


@dataclass(frozen=True)
class Partitioned(Generic[Rows]):
    """A handle; form: what a row is; block_bytes: of rows that a writer collects before it writes them as a block."""

    folder: Place
    form: Any
    partitions: int = 1
    writers: int = 1
    block_bytes: int = BLOCK_BYTES

    @classmethod
    def create(
        cls,
        folder: Place,
        form: Any,
        *,
        partitions: int = 1,
        writers: int = 1,
        block_bytes: int = BLOCK_BYTES,
    ) -> Self:
        """The handle of an empty folder: what an earlier run left there is removed. Raises OutputError."""
        remove_tree(folder)
        make_directory(folder)
        return cls(folder, form, partitions, writers, block_bytes)

    def remove(self) -> None:
        """Removes the files, as far as that can be done."""
        remove_scratch(self.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def place(self, writer: int) -> Place:
        """The file of a writer."""
        return self.folder / f"{writer:06}.records"

    def _pieces(self, partition: int, writers: Sequence[int] | None) -> list[Piece]:
        places = [self.place(n) for n in (range(self.writers) if writers is None else writers)]
        return find_pieces(places, self.partitions, partition)

    def writer(self, number: int) -> Writer[Rows]:
        """Writes the file of one writer, a context manager; memory: about three times `block_bytes`."""
        return Writer(self, number)

    def write(self, number: int, rows: Rows, partitions: NDArray[np.int64] | None = None) -> None:
        """Writes the file of one writer: all its rows, with the partition of each, 0 if not given."""
        with self.writer(number) as writer:
            writer.write(rows, partitions)

    def each(self, partition: int = 0, writers: Sequence[int] | None = None) -> Iterator[Rows]:
        """The rows of a partition, a block at a time, writers (all, or those named) in order; none that is empty.

        Raises DamagedFile when a file is gone or is not as it was written.
        """
        yield from map(self._decode, read_pieces(self._pieces(partition, writers)))

    def read(self, partition: int = 0, writers: Sequence[int] | None = None) -> Rows:
        """All rows of a partition, as `each` gives them; raises DamagedFile."""
        return self._join(list(self.each(partition, writers)))

    def _encode(
        self, rows: list[Rows], order: NDArray[np.int64] | None, ends: NDArray[np.int64]
    ) -> tuple[Any, NDArray[np.int64]]:
        """A buffer of the rows in that order (as they are: None), and where partitions end there; `ends`: in rows."""
        raise NotImplementedError

    def _decode(self, content: Bytes) -> Rows:
        raise NotImplementedError

    def _join(self, rows: list[Rows]) -> Rows:
        raise NotImplementedError


class Records(Partitioned[NDArray[Any]]):
    """Records of one numpy dtype, the `form`; arrays that are read are writable and in memory of their own."""

    form: np.dtype[Any]

    def count(self, partition: int = 0, writers: Sequence[int] | None = None) -> int:
        """How many records a partition has, of all writers or of those named; raises DamagedFile."""
        pieces = self._pieces(partition, writers)
        return sum(piece.end - piece.start for piece in pieces) // self.form.itemsize

    def read_written(self, writer: int) -> NDArray[Any]:
        """All records of one writer, partition by partition; raises DamagedFile."""
        return self._decode(read_whole(self.place(writer), self.partitions))

    def _encode(
        self, rows: list[NDArray[Any]], order: NDArray[np.int64] | None, ends: NDArray[np.int64]
    ) -> tuple[Any, NDArray[np.int64]]:
        records = self._join(rows)
        if order is not None:
            records = records[order]
        content = np.ascontiguousarray(records).view(np.uint8).reshape(-1) if records.nbytes else b""
        return content, ends * self.form.itemsize

    def _decode(self, content: Bytes) -> NDArray[Any]:
        return content.view(self.form)

    def _join(self, rows: list[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(rows) if rows else np.empty(0, self.form)


class Tables(Partitioned[pa.Table]):
    """Rows of one Arrow schema, the `form`: of strings, lists, whatever Arrow has; compressed."""

    form: pa.Schema

    def _encode(
        self, rows: list[pa.Table], order: NDArray[np.int64] | None, ends: NDArray[np.int64]
    ) -> tuple[Any, NDArray[np.int64]]:
        table = self._join(rows)
        table = (table if order is None else table.take(pa.array(order))).combine_chunks()
        options = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)
        sink, found = pa.BufferOutputStream(), [0]
        for start, stop in pairwise(ends.tolist()):
            if stop > start:
                with pa.ipc.new_stream(sink, self.form, options=options) as stream:
                    stream.write_table(table.slice(start, stop - start))
            found.append(sink.tell())
        return memoryview(sink.getvalue()), np.array(found, np.int64)

    def _decode(self, content: Bytes) -> pa.Table:
        return pa.ipc.open_stream(pa.py_buffer(content)).read_all()

    def _join(self, rows: list[pa.Table]) -> pa.Table:
        return pa.concat_tables([self.form.empty_table(), *rows])


class Writer(Generic[Rows]):
    """Writes the file of one writer; `written` counts the rows."""

    def __init__(self, target: Partitioned[Rows], number: int) -> None:
        self._target = target
        self._blocks = BlockWriter(target.place(number), target.partitions)
        self._pending: list[Rows] = []
        self._numbers: list[NDArray[Any]] = []
        self._size = 0
        self.written = 0

    def __enter__(self) -> Self:
        self._blocks.__enter__()
        return self

    def write(self, rows: Rows, partitions: NDArray[np.int64] | None = None) -> None:
        """Adds rows, in any order, with the partition of each (0 if not given); raises TypeError for another form."""
        form = rows.schema if isinstance(rows, pa.Table) else rows.dtype  # type: ignore[attr-defined]
        if form != self._target.form:
            raise TypeError(f"{self._target.folder}: rows are {form}, not {self._target.form}")
        self._pending.append(rows)
        if partitions is not None:
            narrow = (
                np.uint16 if self._target.partitions <= 1 << 16 else np.uint32
            )  # 16 bits: sorted by radix
            self._numbers.append(partitions.astype(narrow))
        else:
            self._numbers.append(np.zeros(len(rows), np.uint16))
        self._size += rows.nbytes
        if self._size >= self._target.block_bytes:
            self._flush()

    def _flush(self, *, last: bool = False) -> None:
        numbers = np.concatenate([np.empty(0, np.uint16), *self._numbers])
        ends = np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=self._target.partitions))])
        order = np.argsort(numbers, kind="stable") if self._target.partitions > 1 else None
        self.written += len(numbers)
        rows = self._pending
        self._pending, self._numbers, self._size = [], [], 0
        del numbers
        self._blocks.write(*self._target._encode(rows, order, ends), last=last)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if error is None and (self._pending or not self.written):
                self._flush(last=True)
        except BaseException as failed:
            self._blocks.__exit__(type(failed), failed, failed.__traceback__)
            raise
        self._blocks.__exit__(kind, error, trace)
