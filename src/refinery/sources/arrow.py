"""Reading Arrow IPC, files and streams, as `save_to_disk` and Feather write them, one record batch at a time.

A file is a stream between a magic and a footer, so both are read as streams, below any compression. A local file that
is not compressed is mapped: its batches are not copied before their rows are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import numpy as np
import pyarrow as pa

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.documents import (
    Documents,
    FilePlan,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.parquet_columns import locate
from refinery.sources.record_batches import BatchRows
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import is_url, local_path, redact

FILE = b"ARROW1\0\0"
STREAM = b"\xff\xff\xff\xff"


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """One shard; raises InputError when the file is not usable."""
    return FilePlan.uncut(whole, carried_schema(whole, spec, shard_bytes))


def carried_schema(shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The columns beside text and id, as the head tells them; raises InputError."""
    with _opened(shard) as reader:
        return locate(reader.schema, spec, shard).carried


def read(shard: Shard, request: Request) -> Iterator[Documents]:
    """The shard's rows in order. What a damaged file holds before the damage is read, and one reject tells of it.

    Raises InputError when the file cannot be read, or when columns do not fit `carry`.
    """
    spec, carry, wanted, batch_bytes, description = request
    row = 0
    with _opened(shard) as reader:
        columns = locate(reader.schema, spec, shard)
        if description is not None:
            description.carried = columns.carried
        rows = BatchRows(columns, shard, spec, carry, batch_bytes)
        try:
            for batch in reader:
                _validate(batch)
                numbers = np.arange(row, row + len(batch))
                row += len(batch)
                chosen = np.ones(len(batch), bool) if wanted is None else np.isin(numbers, wanted)
                if chosen.any():
                    part = batch if chosen.all() else batch.filter(pa.array(chosen))
                    yield from rows.documents(part, numbers[chosen])
        except (pa.ArrowException, compression.DamagedError, OSError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            detail = f"{str(error)[:200]}; what can be read ends before row {row}"
            yield Documents.rejected((Reject(row, "truncated_file", detail),))
            row += 1
    if description is not None:
        description.rows = row


@contextmanager
def _opened(shard: Shard) -> Iterator[pa.RecordBatchReader]:
    """The stream of a file; raises InputError when it is none."""
    try:
        with closing(open_input(shard.path)) as file, ExitStack() as stack:
            if not is_url(shard.path) and file.read(len(FILE)).startswith((FILE, STREAM)):
                content = stack.enter_context(pa.memory_map(os.fsencode(local_path(shard.path))))
                content.seek(_stream_start(content.read(len(FILE)), shard))
            else:
                blocks = _Content(compression.blocks(file))
                begin = blocks.read(len(FILE))
                blocks.give_back(begin[_stream_start(begin, shard) :])
                content = stack.enter_context(pa.PythonFile(blocks, mode="r"))
            yield pa.ipc.open_stream(content)
    except compression.DamagedError as error:
        raise InputError(redact(shard.path), str(error)) from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # names of columns are decoded late
        if isinstance(error, OSError) and error.errno:
            raise unreadable(shard.path, error) from None
        problem = f"this is not a whole Arrow file or stream: {str(error)[:200]}"
        raise InputError(redact(shard.path), problem) from None


def _stream_start(begin: bytes, shard: Shard) -> int:
    """Where the stream of a file begins; raises InputError when there is none."""
    if begin == FILE:
        return len(FILE)
    if begin.startswith(STREAM):
        return 0
    raise InputError(redact(shard.path), "this is not an Arrow file or stream")


def _validate(batch: pa.RecordBatch) -> None:
    """Raises ArrowInvalid for a damaged batch; text that is not UTF-8 is told by row."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as error:
        if "UTF8" not in str(error):
            raise


class _Content:
    """Blocks as the file that pyarrow wants, which reads as much as is asked for."""

    closed = False

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._held = b""

    def read(self, size: int) -> bytes:
        """As many bytes, fewer at the end."""
        pieces = [self._held[:size]]
        self._held, left = self._held[size:], size - len(pieces[0])
        while left and (block := next(self._blocks, b"")):
            pieces.append(block[:left])
            self._held, left = block[left:], left - len(pieces[-1])
        return b"".join(pieces)

    def give_back(self, content: bytes) -> None:
        """Puts bytes before those that come next."""
        self._held = content + self._held

    def close(self) -> None:
        """Nothing: the file is closed by who opened it."""
