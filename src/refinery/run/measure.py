"""The measure pass: a shard's text is read once and everything missing about its documents is measured.

One unit a shard. Each measurement becomes one narrow Parquet file, row-aligned with the accepted documents.
"""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError, RunError
from refinery.filters.carried import Carried
from refinery.filters.measurer import Measurer
from refinery.filters.removed import Removed
from refinery.filters.values import column_texts
from refinery.plan.graph import Measurement, View
from refinery.plan.plan import PlannedShard
from refinery.plan.verbs import is_id
from refinery.run.records import ShardRecord
from refinery.run.texts import SharedTexts
from refinery.sources.documents import Description, Documents, Reject
from refinery.sources.ids import common_id_type, id_texts
from refinery.sources.lineage import write_lineage
from refinery.sources.read import fields_to_carry, place_of_row, read_documents
from refinery.storage.commit import commit_bytes, make_directory, remove_leftovers
from refinery.storage.sealed import sealed_json
from refinery.storage.tables import read_batches, read_table
from refinery.storage.url import redact
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch

REJECTS = pa.schema([("row", pa.int64()), ("reason", pa.string()), ("detail", pa.string())])
# Of accepted documents: row in the shard, id as text, whether it is minted, from a row that is not known yet, and a
# hash of the text as it was read.
LISTING = pa.schema(
    [("row", pa.int64()), ("id", pa.string()), ("minted", pa.bool_()), ("digest", pa.uint64())]
)


@dataclass(frozen=True, slots=True)
class MeasureTask:
    """A shard and what to measure on it; `describe` when its documents are not known yet."""

    planned: PlannedShard
    missing: tuple[Measurement, ...]
    describe: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A measured shard, for progress: text bytes and documents read, seconds taken."""

    documents: int
    bytes: int
    seconds: float


def refuse_rejects(planned: PlannedShard, record: ShardRecord) -> None:
    """Raises InputError for a shard of a source with `on_error: fail` whose rejects an earlier run put aside."""
    if record.rejected:
        first = next(read_batches(planned.rejects_file)).slice(0, 1).to_pylist()
        raise _rejected(planned, Reject(**first[0]))


def measure(task: MeasureTask) -> Measured:
    """Reads the shard once and writes every missing measurement; the record comes last.

    Raises InputError for the first reject if `on_error` is `fail`, RunError when the rows are not those of the first
    read.
    """
    started = time.perf_counter()
    planned = task.planned
    make_directory(planned.folder)
    remove_leftovers(planned.folder)
    known = None if task.describe else _known_rows(planned)
    reasons, skipped, nulled, unmatched = (Counter[str]() for _ in range(4))
    documents = size = 0
    description = Description() if task.describe else None
    with ExitStack() as stack:
        results = _Results(planned, task.missing, stack)
        listing = TableWriter(planned.documents_file, LISTING, scratch=True)
        rejects = TableWriter(planned.rejects_file, REJECTS, scratch=True)
        if task.describe:
            stack.enter_context(listing)
            stack.enter_context(rejects)
        for batch in read_documents(planned.shard, planned.spec, carry=results.carry, describe=description):
            if batch.rejects and planned.spec.on_error == "fail":
                raise _rejected(planned, batch.rejects[0], description)
            skipped.update(batch.skipped)
            nulled.update(batch.nulled)
            unmatched.update(batch.unmatched)
            if task.describe:
                reasons.update(reject.reason for reject in batch.rejects)
                rejects.write(_reject_rows(batch.rejects))
            if len(batch.rows) == 0:
                continue
            if known is not None and not np.array_equal(
                known[documents : documents + len(batch.rows)], batch.rows
            ):
                raise _other_rows(planned)
            documents += len(batch.rows)
            texts = TextBatch.from_arrow(batch.text)
            size += texts.nbytes
            if task.describe:
                listing.write(_listing_rows(batch, texts))
            results.write(batch)
        if known is not None and documents != len(known):
            raise _other_rows(planned)
    if description is not None:
        if planned.shard.pack:
            write_lineage(planned.shard.pack.lineage, description.files)
        if planned.shard.archived:
            write_lineage(planned.shard.archived, description.archived)
        record = ShardRecord(
            description.rows,
            documents,
            reasons.total(),
            size,
            dict(reasons),
            dict(skipped),
            _schema_of(description),
            description.hash,
            dict(nulled),
            dict(unmatched),
        )
        commit_bytes(planned.record_file, sealed_json(record), scratch=True)
    return Measured(documents, size, time.perf_counter() - started)


def _listing_rows(batch: Documents, texts: TextBatch) -> pa.RecordBatch:
    """The documents of a batch as LISTING lists them."""
    from refinery.text.hashing import text_hashes  # a run that has nothing to do imports no Numba

    columns = [batch.rows, id_texts(batch.ids), batch.minted, text_hashes(texts)]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=LISTING)


class _Results:
    """Writes the files of measurements: of texts, each view made once, and of columns that come with them."""

    def __init__(self, planned: PlannedShard, missing: Sequence[Measurement], stack: ExitStack) -> None:
        self._texts: dict[str, list[tuple[Measurer, TableWriter]]] = {}  # by the key of a view
        self._columns: dict[str, list[tuple[Measurer, TableWriter]]] = {}
        self._carried: list[tuple[Carried, TableWriter]] = []
        self._spec = planned.spec
        named = dict.fromkeys(m.measurer.column for m in missing if m.measurer.column)
        columns = [name for name in named if not is_id(planned.spec, name)]
        self.carry = fields_to_carry(planned.shard, planned.spec, columns) if columns else None
        views: dict[str, View] = {}
        for m in missing:
            schema = m.measurer.schema
            if isinstance(m.measurer, Carried) and self.carry is not None:
                schema = m.measurer.of(pa.RecordBatch.from_pylist([], schema=self.carry), 0).schema
            writer = stack.enter_context(TableWriter(planned.measurement_file(m), schema, scratch=True))
            if isinstance(m.measurer, Carried):
                self._carried.append((m.measurer, writer))
            elif m.measurer.column:
                self._columns.setdefault(m.measurer.column, []).append((m.measurer, writer))
            else:
                self._texts.setdefault(m.view.key, []).append((m.measurer, writer))
                views[m.view.key] = m.view
        self._shared = SharedTexts(views.values())

    def write(self, batch: Documents) -> None:
        """Measures a batch."""
        for view, left, removed in self._shared.of(batch.text):  # late are those that verbs cut
            text = TextBatch.from_arrow(left)
            for measurer, writer in self._texts[view.key]:
                if isinstance(measurer, Removed):
                    writer.write(measurer.of(removed, len(text)))
                else:
                    writer.write(measurer(text))
        for column, measured in self._columns.items():
            ids = is_id(self._spec, column)
            values = id_texts(batch.ids) if ids else column_texts(batch.columns, column, len(batch.rows))
            for measurer, writer in measured:
                writer.write(measurer(TextBatch.from_arrow(values)))
        for carried, writer in self._carried:
            writer.write(carried.of(batch.columns, len(batch.rows)))


def _known_rows(planned: PlannedShard) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    return rows


def _other_rows(planned: PlannedShard) -> RunError:
    return RunError(
        f"{planned.name}: gives other rows than when it was first read; remove {planned.folder} and run again"
    )


def _rejected(planned: PlannedShard, first: Reject, read: Description | None = None) -> InputError:
    found = f"{first.reason}: {first.detail}" if first.detail else first.reason
    path, row = place_of_row(planned.shard, first.row, read)
    return InputError(f"{redact(path)}, row {row}", found, "`on_error` is `fail`")


def _reject_rows(rejects: Sequence[Reject]) -> pa.RecordBatch:
    columns = ([r.row for r in rejects], [r.reason for r in rejects], [r.detail for r in rejects])
    arrays = [pa.array(values, kind) for values, kind in zip(columns, REJECTS.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTS)


def _schema_of(description: Description) -> str:
    known = description.id_types - {pa.null()}
    id_type = common_id_type(known) if known else pa.null()
    schema = description.carried.insert(0, pa.field("id", id_type))
    return base64.b64encode(schema.serialize()).decode()
