"""Reading a shard's documents, whatever its format, in batches cut by bytes of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.sources import jsonl, parquet, warc
from refinery.sources.documents import NO_COLUMNS, REJECT_BYTES, Description, Documents, Shard, SourceSpec
from refinery.sources.identity import part_digest, verify_unchanged
from refinery.sources.ids import common_id_type, with_type
from refinery.sources.source_columns import SourceColumns, carried_fields, carried_schema
from refinery.storage.marks import json_text
from refinery.storage.place import unreadable

BATCH_BYTES = 16 * 2**20
READING = 2  # raised when a file gives other rows than before, or a row another text or id


def read_documents(
    shard: Shard,
    spec: SourceSpec,
    *,
    carry: pa.Schema | None = None,
    wanted: NDArray[np.int64] | None = None,
    batch_bytes: int = BATCH_BYTES,
    describe: Description | None = None,
) -> Iterator[Documents]:
    """Yields the shard's documents in order, in batches of about `batch_bytes` of text, columns and rejects.

    carry: the unified schema of the columns to read beside text and id (None: no others are decoded);
    wanted: ascending row numbers, only these are read; describe: filled in by a read of all rows. A second read gives
    the same rows. Every row of the shard is either in a batch or among the rejects. Raises InputError when the file
    cannot be opened, when a wanted row cannot be decoded any more, and when the file is not the one that was planned,
    before the first batch or after the last.
    """
    readers = {"parquet": parquet.read, "jsonl": jsonl.read, "warc": warc.read, "wet": warc.read}
    verify_unchanged(shard)
    digest = None
    if describe is not None:
        digest = describe.digest = part_digest(shard)
    raw_fields = partial(_fields_of_file, shard, spec)
    columns = SourceColumns(
        shard, spec, carry, raw_fields, judged=wanted is None, counted=describe is not None
    )
    runs = readers[shard.format](shard, spec, columns.raw, wanted, batch_bytes, describe)
    for batch in _gathered(map(columns, runs), carry, batch_bytes):
        if describe is not None and len(batch.rows):
            describe.id_types.add(batch.ids.type)
        yield batch
    if describe is not None:
        describe.carried = carried_schema(describe.carried, spec, shard.name)
    if describe is not None and digest is not None:
        describe.hash = digest.hexdigest()
    verify_unchanged(shard)  # else rows may be of one file and others of another


def fields_to_carry(shard: Shard, spec: SourceSpec, names: Iterable[str]) -> pa.Schema:
    """What to `carry` of a shard for columns by name, dotted for nested ones, when its columns are not known yet.

    A column of Parquet has its own type, one of JSON Lines is read as JSON text: only all lines could tell its type.
    A nested one is inside of a column that is read whole. Raises InputError when the file cannot be opened.
    """
    wanted = dict.fromkeys(part for name in names for part in (name, name.partition(".")[0]))
    return carried_fields(wanted, spec, partial(_fields_of_file, shard, spec))


def _fields_of_file(shard: Shard, spec: SourceSpec, names: Iterable[str]) -> pa.Schema:
    wanted = dict.fromkeys(part for name in names for part in (name, name.partition(".")[0]))
    if shard.format == "jsonl":
        return pa.schema([json_text(name, "") for name in wanted])
    there = parquet.carried_schema(shard, spec) if shard.format == "parquet" else warc.CARRIED
    return pa.schema([field for field in there if field.name in wanted])


def first_row(shard: Shard) -> int:
    """The rows of the file before the shard, counted where they are not known yet; raises InputError."""
    if shard.first_row or shard.format != "jsonl":
        return shard.first_row
    try:
        return jsonl.rows_before(shard)
    except OSError as error:
        raise unreadable(shard.path, error) from None


def _gathered(runs: Iterable[Documents], carry: pa.Schema | None, batch_bytes: int) -> Iterator[Documents]:
    """Joins short runs until a batch is full."""
    waiting: list[Documents] = []
    size = 0
    for run in runs:
        if len(run.rows) == 0 and not run.rejects and not run.skipped:
            continue
        run_bytes = run.text.nbytes + run.columns.nbytes + REJECT_BYTES * len(run.rejects)
        if waiting and size + run_bytes > batch_bytes:
            yield _joined(waiting, carry)
            waiting, size = [], 0
        waiting.append(run)
        size += run_bytes
    if waiting:
        yield _joined(waiting, carry)


def _joined(runs: list[Documents], carry: pa.Schema | None) -> Documents:
    rejects = tuple(reject for run in runs for reject in run.rejects)
    skipped, nulled = Counter[str](), Counter[str]()
    for run in runs:
        skipped.update(run.skipped)
        nulled.update(run.nulled)
    filled = [run for run in runs if len(run.rows)]
    if not filled:
        columns = NO_COLUMNS if carry is None else pa.RecordBatch.from_pylist([], schema=carry)
        return replace(
            Documents.rejected(rejects), columns=columns, skipped=dict(skipped), nulled=dict(nulled)
        )
    if len(filled) == 1:
        return replace(filled[0], rejects=rejects, skipped=dict(skipped), nulled=dict(nulled))
    return Documents(
        np.concatenate([run.rows for run in filled]),
        pa.concat_arrays([run.text for run in filled]),
        _joined_ids([run.ids for run in filled]),
        np.concatenate([run.minted for run in filled]),
        pa.concat_batches([run.columns for run in filled]) if carry and carry.names else filled[0].columns,
        rejects,
        dict(skipped),
        dict(nulled),
    )


def _joined_ids(ids: list[pa.Array]) -> pa.Array:
    """JSON ids may be numbers in one run and strings in the next."""
    types = {array.type for array in ids}
    kind = common_id_type(types)
    return pa.concat_arrays(ids if len(types) == 1 else [with_type(array, kind) for array in ids])
