"""Reading a shard's documents, whatever its format, in batches cut by bytes of text."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.sources import jsonl
from refinery.sources.archives import FORMATS
from refinery.sources.documents import (
    NO_COLUMNS,
    REJECT_BYTES,
    Description,
    Documents,
    FileRows,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.identity import HEAD, part_digest, verify_hash, verify_unchanged
from refinery.sources.ids import common_id_type, with_type
from refinery.sources.limit import lowest
from refinery.sources.lineage import read_lineage
from refinery.sources.packs import read_members
from refinery.sources.rows import File, read_files
from refinery.sources.schema import unify
from refinery.sources.source_columns import SourceColumns
from refinery.sources.source_schema import carried_fields, carried_schema
from refinery.storage.marks import json_text
from refinery.storage.place import held, held_inputs, unreadable
from refinery.storage.url import is_url

BATCH_BYTES = 16 * 2**20
_HELD_FILES = 64  # of a pack, that are fetched together
READING = 4  # raised when a file gives other rows than before, or a row another text or id


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
    read = _read_pack if shard.pack else _read_shard
    runs = read(shard, Request(spec, carry, wanted, batch_bytes, describe))
    if shard.limit and wanted is None:
        runs = lowest(runs, shard)
    for batch in _gathered(runs, carry, batch_bytes):
        if describe is not None and len(batch.rows):
            describe.id_types.add(batch.ids.type)
        yield batch


def _read_shard(shard: Shard, request: Request) -> Iterator[Documents]:
    verify_unchanged([shard])
    _begin(request.description, shard)
    yield from _read_file(shard, request)
    _end(request.description, shard, request.spec)
    verify_unchanged([shard])  # else rows may be of one file and others of another


def _read_file(shard: Shard, request: Request) -> Iterator[Documents]:
    columns = _columns(shard, request)
    yield from map(columns, FORMATS[shard.format].read(shard, request._replace(carry=columns.raw)))


def _columns(shard: Shard, request: Request) -> SourceColumns:
    spec, carry, wanted, _, describe = request
    raw_fields = partial(_fields_of_file, shard, spec)
    return SourceColumns(shard, spec, carry, raw_fields, judged=wanted is None, counted=describe is not None)


def _begin(describe: Description | None, shard: Shard) -> None:
    if describe is not None:
        describe.digest = part_digest(shard)


def _end(describe: Description | None, shard: Shard, spec: SourceSpec) -> None:
    if describe is not None:
        describe.carried = carried_schema(describe.carried, spec, shard.name)
        describe.hash = describe.digest.hexdigest() if describe.digest else ""


def _read_pack(shard: Shard, request: Request) -> Iterator[Documents]:
    """The rows of one file after the other; raises what reading a file raises."""
    rows, files = FORMATS[shard.format].rows, _files(shard, request)
    if rows and _columns(shard, request).as_they_are:
        yield from read_files(rows, files, request, shard.name)
        return
    for member, start, wanted, description in files:
        end = 0
        for run in _read_file(member, request._replace(wanted=wanted, description=description)):
            end = max(end, run.end)
            yield run.moved(start)
        if description is not None:
            description.rows = max(description.rows, end)


def _files(shard: Shard, request: Request) -> Iterator[File]:
    """The files of a pack that are to be read, in order, each to be read before the next is asked for."""
    wanted, describe = request.wanted, request.description
    members, remote = read_members(shard), is_url(shard.path)
    known = None if describe is not None or shard.pack is None else read_lineage(shard.pack.lineage)
    described: list[Description] = []
    ends = [] if known is None or wanted is None else np.searchsorted(wanted, _ends(known)).tolist()
    start = low = 0
    for first in range(0, len(members), _HELD_FILES):
        chunk = members[first : first + _HELD_FILES]
        with held_inputs([member.path for member in chunk]):
            if not remote:  # of what is held all is read; what is fetched has a tag to ask for afterwards
                verify_unchanged(chunk)
            for number, member in enumerate(chunk, first):
                mine, rows = None, 0 if known is None else known[number].rows
                if wanted is not None:
                    mine, low = wanted[low : ends[number]] - start, ends[number]
                one = None if describe is None else Description(archived=describe.archived)
                if mine is None or len(mine):
                    _begin(one, member)
                    yield File(member, start, mine, one)
                    _end(one, member, request.spec)
                    if known is not None and known[number].hash:
                        verify_hash(member, known[number].hash)
                if one is not None and describe is not None:
                    rows = one.rows
                    described.append(one)
                    describe.files.append(FileRows(member.relative_path, rows, one.hash))
                start += rows
            verify_unchanged([member for member in chunk if remote or held(member.path) is None])
    if describe is not None:
        carried = [(member.path, one.carried) for member, one in zip(members, described, strict=True)]
        describe.rows, describe.carried = start, unify(carried)


def _ends(files: Sequence[FileRows]) -> list[int]:
    """The row after the last one of each file, counted over all."""
    return [*accumulate(file.rows for file in files)]


def fields_to_carry(shard: Shard, spec: SourceSpec, names: Iterable[str]) -> pa.Schema:
    """What to `carry` of a shard for columns by name, dotted for nested ones, when its columns are not known yet.

    A column has its own type where the file tells it; one of JSON is read as JSON text, for only all rows could tell.
    A nested one is inside of a column that is read whole. Raises InputError when the file cannot be opened.
    """
    wanted = dict.fromkeys(part for name in names for part in (name, name.partition(".")[0]))
    return carried_fields(wanted, spec, partial(_fields_of_file, shard, spec))


def _fields_of_file(shard: Shard, spec: SourceSpec, names: Iterable[str]) -> pa.Schema:
    wanted = dict.fromkeys(part for name in names for part in (name, name.partition(".")[0]))
    reader = FORMATS[shard.format]
    if not reader.typed:
        return pa.schema([json_text(name, "") for name in wanted])
    files = read_members(shard) if shard.pack else [shard]
    there = unify([(file.path, reader.columns(file, spec, HEAD)) for file in files])
    fields = [field for field in there if field.name in wanted]
    return pa.schema([*fields, *(pa.field(name, pa.large_string()) for name in spec.texts if name in wanted)])


def place_of_row(shard: Shard, row: int, read: Description | None = None) -> tuple[str, int]:
    """The file of a row of a shard, and the row there, counted where that is not known yet; raises InputError.

    read: what a read of a pack or an archive that has come to the row has found out.
    """
    inside = read.archived if read else read_lineage(shard.archived) if shard.archived else []
    if inside:
        starts = [0, *_ends(inside[:-1])]
        number = bisect_right(starts, row) - 1
        root = shard.path if shard.pack else shard.path.removesuffix(shard.relative_path)
        return root + inside[number].path, row - starts[number]
    if shard.pack:
        known = read.files if read is not None else read_lineage(shard.pack.lineage)
        starts = [0, *_ends(known)]
        number = bisect_right(starts, row) - 1
        return read_members(shard)[number].path, row - starts[number]
    if shard.first_row or not shard.start or FORMATS[shard.format].typed:
        return shard.path, shard.first_row + row
    try:
        return shard.path, jsonl.rows_before(shard) + row
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
    skipped, nulled, unmatched = Counter[str](), Counter[str](), Counter[str]()
    for run in runs:
        skipped.update(run.skipped)
        nulled.update(run.nulled)
        unmatched.update(run.unmatched)
    counts: dict[str, Any] = {"skipped": dict(skipped), "nulled": dict(nulled), "unmatched": dict(unmatched)}
    filled = [run for run in runs if len(run.rows)]
    if not filled:
        columns = NO_COLUMNS if carry is None else pa.RecordBatch.from_pylist([], schema=carry)
        return replace(Documents.rejected(rejects), columns=columns, **counts)
    if len(filled) == 1:
        return replace(filled[0], rejects=rejects, **counts)
    return Documents(
        np.concatenate([run.rows for run in filled]),
        pa.concat_arrays([run.text for run in filled]),
        _joined_ids([run.ids for run in filled]),
        np.concatenate([run.minted for run in filled]),
        pa.concat_batches([run.columns for run in filled]) if carry and carry.names else filled[0].columns,
        rejects,
        **counts,
    )


def _joined_ids(ids: list[pa.Array]) -> pa.Array:
    """JSON ids may be numbers in one run and strings in the next."""
    types = {array.type for array in ids}
    kind = common_id_type(types)
    return pa.concat_arrays(ids if len(types) == 1 else [with_type(array, kind) for array in ids])
