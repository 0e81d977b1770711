"""The write pass: survivors are read a second time, transforms replayed, and output shards written.

An output is cut into files by text bytes in input order, so every file can be written alone and comes out the
same whoever writes it. With a shuffle, documents are first scattered by their place in the output and
then gathered, so no unit holds more than one output file. So they are without one where little is left of
much text, or of a split: else the few units that write would read all of it.

A document that is written more than once has a place of its own each time, by its identity and the number of the
copy. Without a shuffle all are written once, then all that are written again, and so on: a turn after the other, each
in the input's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

from refinery.definition.outputs import Output
from refinery.errors import RunError
from refinery.plan.fingerprint import fingerprint
from refinery.plan.repeats import COUNT
from refinery.run.columns import load_columns
from refinery.run.layout import LINEAGE, Layout
from refinery.run.leading_rows import Candidates, leading_rows, with_leading
from refinery.run.repeats import repeats_of
from refinery.run.survivors import Survivors, copies_of, splits_of, starts_of
from refinery.run.texts import texts_of
from refinery.run.tokenised import write_tokens
from refinery.run.written_before import receipt_of
from refinery.shuffle.partition import hash_numbers, partition_of
from refinery.shuffle.records import Tables
from refinery.sources.documents import Documents, SourceSpec
from refinery.sources.ids import identities, places_of, with_minted, with_type
from refinery.sources.read import read_documents
from refinery.storage.commit import commit_bytes, make_directory
from refinery.storage.place import Place
from refinery.storage.sealed import sealed_json
from refinery.storage.tables import read_table
from refinery.storage.write import WrittenFile, write_table

WRITING = 2  # raised when the same documents would be written as other bytes
ORDER = pa.field("_order", pa.uint64())


@dataclass(frozen=True)
class WriteTask:
    """One file, by its name in the output: the documents whose text starts in [low, high) of the text bytes."""

    survivors: tuple[tuple[Survivors, int], ...]  # with the text bytes that lie before each shard
    low: int
    high: int
    layout: Layout
    output: Output
    name: str
    staged: Place


@dataclass(frozen=True)
class ScatterTask:
    """The survivors of consecutive shards, which writer `number` writes by the output file that they go to.

    With each shard the text bytes of each split that lie before it.
    """

    number: int
    survivors: tuple[tuple[Survivors, tuple[int, ...]], ...]
    layout: Layout
    output: Output
    files: tuple[int, ...]  # of each split
    target: (
        Tables  # of `scattered_schema`, a partition for each output file, and for each split's leading rows
    )


@dataclass(frozen=True)
class GatherTask:
    """One file of an output whose documents were scattered; split: its number, first: of the files of its split."""

    scattered: Tables
    number: int
    split: int
    first: bool
    files: tuple[int, ...]  # of each split
    layout: Layout
    output: Output
    name: str
    staged: Place


def write_file(task: WriteTask) -> tuple[WrittenFile, ...]:
    """Writes one output file, with those that belong to it."""
    return _staged(task, _rows(task))


def file_key(task: WriteTask, kept: Mapping[tuple[int, int | None], str]) -> str:
    """Names a file's content; kept: by Survivors.part, a digest of what the output has of a shard."""
    shards = [
        (
            *(s.planned.folder.name, s.planned.spec.name, s.planned.shard.first_row, s.view.key),
            *(s.measured, kept[s.part], before),
        )
        for s, before in task.survivors
    ]
    layout, output = task.layout, task.output
    rows = (layout.schema.serialize().to_pybytes().hex(), layout.made, layout.renamed, output.format)
    counted = (layout.repeats,) if layout.repeats else ()
    return fingerprint(WRITING, rows, shards, task.low, task.high, *counted)


def scattered_schema(layout: Layout) -> pa.Schema:
    """Rows of the output, each with its place in it."""
    return layout.schema.append(ORDER)


def scatter(task: ScatterTask) -> None:
    """Writes the survivors by output file."""
    leading = Candidates(ORDER.name) if has_leading(task.layout, task.output, task.files) else None
    with task.target.writer(task.number) as writer:
        for survivors, before in task.survivors:
            copies = copies_of(survivors)
            splits = splits_of(survivors, len(copies))
            starts = starts_of(survivors, copies, splits, before)
            shard = survivors.planned.shard
            for documents, rows, batch in _read(survivors, copies > 0, task.layout):
                for copy in range(copies[documents].max(initial=0)):
                    again = np.flatnonzero(copies[documents] > copy)
                    if task.output.shuffle is None:  # a copy, in its turn
                        order = starts[documents[again]].astype(np.uint64)
                    else:
                        order = shuffled(task.output.shuffle, identities(shard, rows[again]), copy)
                    files = _file_of(order, splits[documents[again]], task.output, task.files)
                    placed = (batch.take(pa.array(again)) if copy else batch).append_column(
                        ORDER, pa.array(order)
                    )
                    table = pa.Table.from_batches([placed])
                    writer.write(table, files)
                    if leading:
                        leading.meet(table, splits[documents[again]])
        if leading:
            leading.write(writer, sum(task.files))


def gather(task: GatherTask) -> tuple[WrittenFile, ...]:
    """As `write_file`, of an output whose documents were scattered; sorting is stable."""
    table = task.scattered.read(task.number).sort_by(ORDER.name)
    if has_leading(task.layout, task.output, task.files):
        leading = leading_rows(task.scattered.read(sum(task.files) + task.split), ORDER.name)
        table = with_leading(table, leading, ORDER.name, first=task.first)
    table = table.drop_columns([ORDER.name])
    return _staged(task, table.combine_chunks().to_batches(max_chunksize=4096))


def has_leading(layout: Layout, output: Output, files: Sequence[int]) -> bool:
    """Whether rows lead a split: of JSON Lines in several files, by the first of which readers guess types."""
    return output.format == "jsonl" and not layout.tokens and max(files) > 1


def _staged(task: WriteTask | GatherTask, rows: Iterable[pa.RecordBatch]) -> tuple[WrittenFile, ...]:
    """Writes the files, then their receipts, by which a later run knows that they are whole."""
    layout, path = task.layout, task.staged / task.name
    make_directory(path.parent)
    files: tuple[WrittenFile, ...]
    if layout.tokens:
        files = write_tokens(task.staged, task.name, rows, layout.tokens)
    else:
        file = write_table(path, rows, layout.schema, format=task.output.format, made=layout.made)
        files = (replace(file, path=task.name),)
    for file in files:
        receipt = sealed_json([file.rows, file.bytes, file.sha256])
        commit_bytes(receipt_of(task.staged / file.path), receipt)
    return files


def _rows(task: WriteTask) -> Iterator[pa.RecordBatch]:
    for survivors, before in task.survivors:
        copies = copies_of(survivors)
        starts = starts_of(survivors, copies, splits_of(survivors, len(copies)), (before,))
        mask = (copies > 0) & (starts >= task.low) & (starts < task.high)
        if mask.any():
            for _, _, batch in _read(survivors, mask, task.layout):
                yield batch


def _read(
    survivors: Survivors, mask: NDArray[np.bool_], layout: Layout
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], pa.RecordBatch]]:
    """The chosen documents of a shard as output rows, with their positions and their rows in the shard."""
    planned = survivors.planned
    chosen = np.flatnonzero(mask)
    listing = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    measured = load_columns(planned, survivors.measured, mask)
    if layout.repeats:
        times = repeats_of(planned, layout.repeats, len(listing))
        measured = measured.with_columns(pl.Series(COUNT, times))
    done = 0
    carry = _without_texts(layout.carried, planned.spec)
    for batch in read_documents(planned.shard, planned.spec, carry=carry, wanted=listing[chosen]):
        documents = chosen[done : done + len(batch.rows)]
        if not np.array_equal(listing[documents], batch.rows):
            raise RunError(f"{planned.name}: other rows than in the first read; the file has changed")
        done += len(documents)
        yield documents, batch.rows, _row_batch(survivors, batch, measured, documents, layout)
    if done != len(chosen):
        raise RunError(
            f"{planned.name}: {len(chosen) - done} documents are missing in the second read; run again"
        )


def _without_texts(carried: pa.Schema, spec: SourceSpec) -> pa.Schema:
    """What a source can have of carried columns: one of its text may be of another source, and of another type."""
    named = [*spec.columns, *(column for join in spec.joins for column in join.columns)]
    texts = set(spec.texts).difference(column.name for column in named)
    return pa.schema([field for field in carried if field.name not in texts])


def _row_batch(
    survivors: Survivors,
    batch: Documents,
    measured: pl.DataFrame,
    documents: NDArray[np.int64],
    layout: Layout,
) -> pa.RecordBatch:
    """Output rows of the documents in a batch, which are numbered in the shard; measured: of the whole shard."""
    planned = survivors.planned
    size = len(batch.rows)
    text = texts_of(survivors.view, planned, batch.rows, batch.text)
    shard = planned.shard
    ids = with_minted(shard, batch.rows, batch.ids, batch.minted)
    arrays: list[pa.Array] = [text, with_type(ids, layout.schema.field("id").type)]
    there = dict(zip(batch.columns.schema.names, batch.columns.columns, strict=True))
    arrays += [there[f.name] if f.name in there else pa.nulls(size, f.type) for f in layout.carried]
    for name in layout.measured:
        wanted = layout.schema.field(name).type
        if name in measured.columns:
            arrays.append(measured[name][documents].to_arrow().cast(wanted))
        else:
            arrays.append(pa.nulls(size, wanted))
    lineage = places_of(shard, batch.rows)
    arrays.append(pa.StructArray.from_arrays(lineage, fields=list(LINEAGE)))
    return pa.RecordBatch.from_arrays(arrays, schema=layout.schema)


def shuffled(seed: int, identity: NDArray[np.uint64], copy: int = 0) -> NDArray[np.uint64]:
    """A random place in [0, 2^64) for each document, by its identity alone: whatever else there is, it stays.

    So is that of each of its copies, by its number.
    """
    named = f"shuffle {seed} {copy}" if copy else f"shuffle {seed}"
    return hash_numbers(identity.view(np.int64), xxhash.xxh3_64_intdigest(named.encode()))


def _file_of(
    order: NDArray[np.uint64], splits: NDArray[np.int64], output: Output, files: Sequence[int]
) -> NDArray[np.int64]:
    """The output file of each document, from its place in its split: its random place, or its first byte."""
    found = np.empty(len(order), np.int64)
    for split, count in enumerate(files):
        here = splits == split
        if output.shuffle is not None:
            within = partition_of(order[here], count)
        else:
            within = (order[here] // np.uint64(output.shard_bytes)).astype(np.int64)
        found[here] = sum(files[:split]) + np.minimum(within, count - 1)
    return found
