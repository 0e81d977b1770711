"""Fates: what became of each row on the way to an output, as the history keeps it, without texts and ids.

A file has a row for each of the decisions. Source, path, stage and rule repeat, and in place of the row in its file
stands the distance from the row before. `identity` tells a document again where files were renamed, cut or put into
another order: a hash of its own id; where it has none, or one that is only its file's path, of its text as it was
read. A rejected row has that of its reason: rows that were rejected for one reason stand for each other. With it a
million documents take some 8 MB, nearly all of it hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.errors import DamagedFile
from refinery.plan.plan import PlannedShard
from refinery.storage.place import Place
from refinery.storage.tables import read_batches, read_table
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch

FATES = pa.schema(
    [
        ("source", pa.string()),
        ("path", pa.string()),
        ("row", pa.int64()),
        ("stage", pa.string()),  # that dropped it
        ("rule", pa.string()),
        ("repeats", pa.int32()),  # times that it is written; NULL where it is not kept
        ("identity", pa.uint64()),  # NULL where it is not known
    ]
)
_DIGESTS = ["minted", "digest"]


@dataclass(frozen=True)
class FatesTask:
    """A file of decisions, the shards that it is about, in order, and where what is kept of it goes."""

    decisions: Place
    shards: tuple[PlannedShard, ...]
    kept: Place


def keep_fates(task: FatesTask) -> None:
    """Keeps what became of the rows of a file of decisions; raises DamagedFile, OutputError."""
    digests = _digests(task.shards)
    last = first = 0
    with TableWriter(task.kept, FATES, scratch=True) as writer:
        for batch in read_batches(task.decisions):
            rows = batch.column("row").to_numpy()
            document = pc.not_equal(batch.column("outcome"), "rejected").to_numpy(zero_copy_only=False)
            stop = first + int(document.sum())
            columns = {
                "row": pa.array(np.diff(rows, prepend=last)),
                "identity": _identities(batch, document, digests, slice(first, stop)),
            }
            last, first = int(rows[-1]) if len(rows) else last, stop
            known = [columns[name] if name in columns else batch.column(name) for name in FATES.names]
            writer.write(pa.RecordBatch.from_arrays(known, schema=FATES))


def _digests(shards: Sequence[PlannedShard]) -> pa.Table | None:
    """Whether the id of each document is minted, and the hash of its text; None if a listing does not tell."""
    try:
        tables = [read_table(planned.documents_file, _DIGESTS) for planned in shards]
    except DamagedFile:  # gone, or of an earlier refinery; whoever needs it finds what is damaged
        return None
    return pa.concat_tables(tables).combine_chunks() if tables else None


def _identities(
    batch: pa.RecordBatch, document: NDArray[np.bool_], digests: pa.Table | None, here: slice
) -> pa.Array:
    """uint64 (rows,) of decisions; document: which rows are one; here: their place among the digests."""
    from refinery.text.hashing import text_hashes  # a run that has nothing to do imports no Numba

    if digests is None or here.stop > len(digests):
        return pa.nulls(len(batch), pa.uint64())
    found = text_hashes(TextBatch.from_arrow(batch.column("rule")))
    ids, paths = (batch.column(name).filter(pa.array(document)) for name in ("id", "path"))
    minted, digest = (column.to_numpy()[here] for column in digests.columns)
    same = pc.fill_null(pc.equal(ids, paths), True)  # NULL in the source is no id either
    without = minted | same.to_numpy(zero_copy_only=False)
    found[document] = np.where(without, digest, text_hashes(TextBatch.from_arrow(ids)))
    return pa.array(found)


def read_fates(file: Place) -> Iterator[pa.RecordBatch]:
    """What FATES has of each row, NULL what an earlier refinery did not keep; raises DamagedFile."""
    last = 0
    for batch in read_batches(file):
        rows = np.cumsum(batch.column("row").to_numpy()) + last
        last = int(rows[-1]) if len(rows) else last
        there = {**dict(zip(batch.schema.names, batch.columns, strict=True)), "row": pa.array(rows)}
        columns = [there.get(field.name, pa.nulls(len(rows), field.type)) for field in FATES]
        yield pa.RecordBatch.from_arrays(columns, schema=FATES)
