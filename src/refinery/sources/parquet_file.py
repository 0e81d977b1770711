"""Opening Parquet files, also compressed as a whole or encrypted in part, and telling what is wrong with one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.foreign import foreign
from refinery.sources.long_values import shortened
from refinery.sources.parquet_footer import narrow_metadata
from refinery.sources.unpack import temporary_file
from refinery.storage.place import held, open_input, unreadable
from refinery.storage.url import is_url, local_path, redact

_NO_SURPRISE = 2**20  # a column that cannot decode to more bytes is read as it is
_SMALL_CHUNK = 8 * 2**20  # a dictionary column chunk up to this size is read as a dictionary


class Opened(NamedTuple):
    """A Parquet file; hidden: numbers of its columns that are encrypted; packed: whether all of it is compressed."""

    file: pq.ParquetFile
    hidden: frozenset[int]
    packed: bool


@contextmanager
def opened(shard: Shard, spec: SourceSpec, *, rows: bool = False) -> Iterator[Opened]:
    """The file with its footer read, of very many columns those that the source asks for.

    rows: for a reader of them: text that is longer than the source's limit is replaced by a mark. Raises InputError
    when the footer cannot be read.
    """
    options = {"pre_buffer": False, "buffer_size": 2**20, "page_checksum_verification": True}
    try:
        with ExitStack() as stack:
            source = stack.enter_context(_input(shard.path))
            packed = False
            metadata = narrow_metadata(source, spec)
            try:
                file = pq.ParquetFile(source, metadata=metadata, **options)
            except pa.ArrowInvalid as error:
                source = stack.enter_context(pa.OSFile(str(stack.enter_context(_unpacked(shard, error)))))
                file, packed = pq.ParquetFile(source, **options), True
            hidden = _encrypted(file, source) if metadata is None else frozenset()
            if rows:
                columns = _dictionary_columns(file.metadata, shard, hidden)
                as_read = source
                if not hidden:
                    as_read = shortened(source, file.metadata, spec.texts, spec.max_document_bytes)
                if columns or as_read is not source:
                    file = pq.ParquetFile(as_read, metadata=file.metadata, read_dictionary=columns, **options)
            yield Opened(file, hidden, packed)
    except compression.DamagedError as error:
        raise InputError(redact(shard.path), str(error)) from None
    except pa.ArrowException as error:
        raise _not_parquet(shard.path, str(error)) from None
    except OSError as error:
        if error.errno:
            raise unreadable(shard.path, error) from None
        raise _not_parquet(shard.path, str(error)) from None


def _input(path: str) -> Any:
    if (content := held(path)) is not None:
        return pa.BufferReader(content)
    return open_input(path) if is_url(path) else pa.OSFile(os.fsencode(local_path(path)))


@contextmanager
def _unpacked(shard: Shard, error: pa.ArrowInvalid) -> Iterator[Path]:
    """The content of a compressed file; raises the error, met without that, if it is not compressed or no Parquet."""
    with closing(open_input(shard.path)) as file:
        if not compression.is_compressed(file.read(compression.MAGIC)):
            raise error
        blocks = compression.blocks(file)
        first = next(blocks, b"")
        if first[:4] != b"PAR1":  # nothing else is unpacked to a disk
            raise error
        with temporary_file(chain([first], blocks), redact(shard.path)) as path:
            yield path


def _encrypted(file: pq.ParquetFile, source: Any) -> frozenset[int]:
    """The columns that are encrypted. To ask the metadata of one ends the process: reading says it as an error."""
    source.seek(-8, 2)
    signed = int.from_bytes(source.read(8)[:4], "little") != file.metadata.serialized_size
    if not signed or not file.num_row_groups:  # a footer is signed if anything in the file is encrypted
        return frozenset()
    return frozenset(number for number in range(file.metadata.num_columns) if _is_encrypted(file, number))


def _is_encrypted(file: pq.ParquetFile, number: int) -> bool:
    try:
        next(file.reader.iter_batches(1, row_groups=[0], column_indices=[number], use_threads=False), None)
    except (pa.ArrowException, OSError) as error:
        return "crypt" in str(error)
    return False


def readable(file: pq.ParquetFile, hidden: frozenset[int], spec: SourceSpec, shard: Shard) -> pa.Schema:
    """The columns that are not encrypted; raises InputError when text or id is."""
    schema = file.schema_arrow
    if not hidden:
        return schema
    names = _names(file, hidden)
    for asked in (*spec.texts, spec.id or "id"):
        if (name := _top(asked, schema)) in names:
            hint = "decrypt the file, or write it without encryption"
            raise InputError(redact(shard.path), f"column {name!r} is encrypted", hint)
    return pa.schema([field for field in schema if field.name not in names], schema.metadata)


def encrypted_columns(shard: Shard, spec: SourceSpec) -> tuple[str, ...]:
    """The columns of a file that cannot be read, for they are encrypted; raises InputError when it has no footer."""
    with opened(shard, spec) as (file, hidden, _):
        return tuple(sorted(_names(file, hidden)))


def _names(file: pq.ParquetFile, hidden: frozenset[int]) -> set[str]:
    return {_top(file.schema.column(number).path, file.schema_arrow) for number in hidden}


def _top(path: str, schema: pa.Schema) -> str:
    return path if path in schema.names else path.partition(".")[0]


def _not_parquet(path: str, error: str) -> InputError:
    with open_input(path) as file:
        head = file.read(512).lstrip()
        file.seek(0, 2)
        file.seek(-min(4, file.tell()), 2)
        tail = file.read(4)
    if kind := foreign(head):
        return InputError(redact(path), *kind)
    if head[:1] == b"<" or b"<html" in head.lower():
        return InputError(redact(path), "this is an HTML or XML page, not Parquet", "download it again")
    said = error.splitlines()[0][:200] if error else ""
    if head[:4] == tail == b"PAR1":
        hint = "the file is damaged, or of a form that pyarrow does not read: write it again"
        return InputError(redact(path), f"the footer cannot be read: {said}", hint)
    if head[:4] == b"PAR1":
        problem = f"the footer is damaged or cut off: {said}"
        return InputError(redact(path), problem, "the upload or download was not completed")
    return InputError(redact(path), "this is not a Parquet file")


def _dictionary_columns(metadata: pq.FileMetaData, shard: Shard, hidden: frozenset[int]) -> list[str]:
    """Paths of columns whose every chunk has a dictionary and is small, so that decoding it could be a surprise."""
    chosen = []
    groups = range(shard.start, metadata.num_row_groups if shard.stop == -1 else shard.stop)
    schema = metadata.schema
    for number in range(metadata.num_columns):
        column = schema.column(number)
        if number in hidden or column.physical_type != "BYTE_ARRAY" or column.max_repetition_level:
            continue
        chunks = [metadata.row_group(g).column(number) for g in groups]
        if sum(c.num_values * c.total_uncompressed_size for c in chunks) <= _NO_SURPRISE:
            continue
        if all(c.has_dictionary_page and c.total_uncompressed_size <= _SMALL_CHUNK for c in chunks):
            chosen.append(column.path)
    return chosen
