"""The rows of a table as the documents of one shard, for verbs and makers, and their texts batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from refinery.api.frames import TABLE, columns_of
from refinery.errors import InputError
from refinery.filters.measurer import Measurer
from refinery.filters.ranking import as_common, common_type
from refinery.filters.values import PLAIN, is_plain
from refinery.shuffle.partition import hash_numbers
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch

BATCH_BYTES = 16 * 2**20  # of text that is worked on at once


def text_batches(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """large_string: texts in runs of BATCH_BYTES, no copies."""
    for chunk in texts.chunks:
        for start, stop in TextBatch.from_arrow(chunk).runs(BATCH_BYTES):
            yield chunk.slice(start, stop - start)


def measured_batches(measurers: Sequence[Measurer], texts: pa.ChunkedArray) -> Iterator[list[pa.Array]]:
    """The columns of all measurers, a batch at a time; NULL where a text is NULL."""
    for batch in text_batches(texts):
        columns = [
            column for measurer in measurers for column in measurer(TextBatch.from_arrow(batch)).columns
        ]
        if batch.null_count:
            columns = [pc.if_else(batch.is_valid(), column, None) for column in columns]
        yield columns


@dataclass(frozen=True)
class TableDocuments:
    """All rows of a table, see refinery.sources.documents.ShardDocuments.

    frame: as the user has it; column: its texts, large_string; ranking: columns that rank; folder: of files that
    verbs read.
    """

    frame: Any
    column: pa.ChunkedArray
    ranking: frozenset[str]
    folder: Path
    name: str = TABLE
    source: str = TABLE
    trust: int = 0
    earlier: bool = False

    @property
    def rows(self) -> int:
        """Its rows."""
        return len(self.column)

    @property
    def arrived(self) -> int:
        """Its rows."""
        return self.rows

    @property
    def bytes(self) -> int:
        """Of its texts."""
        return int(self.column.nbytes)

    def identities(self) -> NDArray[np.uint64]:
        """A hash of each row's number."""
        return hash_numbers(np.arange(self.rows))

    def arrives(self) -> NDArray[np.bool_]:
        """All of them."""
        return np.ones(self.rows, np.bool_)

    def came_by(self, names: Sequence[str]) -> NDArray[np.bool_]:
        """None by any: a table comes from no stage."""
        return np.zeros((len(names), self.rows), np.bool_)

    def ranked_type(self, column: str) -> pa.DataType:
        """The type that a column is ranked in; raises InputError for one that has no order."""
        return common_type(column, [(TABLE, columns_of(self.frame, [column]).schema.field(0).type)])

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Columns of the table; raises InputError for one that is not there or holds lists, objects or bytes."""
        table = columns_of(self.frame, names)
        for number, field in enumerate(table.schema):
            if field.name in self.ranking:
                values = as_common(table.column(number), self.ranked_type(field.name))
                table = table.set_column(number, field.name, values)
            elif not is_plain(field.type):
                raise InputError(TABLE, f"the column {field.name!r} is {field.type}", f"it must be {PLAIN}")
        return table

    def measure(self, measurers: Sequence[Measurer]) -> None:
        """Writes what a verb has measured for itself."""
        schema = pa.schema([field for measurer in measurers for field in measurer.schema])
        with TableWriter(self.measured(""), schema, scratch=True) as writer:
            for columns in measured_batches(measurers, self.column):
                writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))

    def measured(self, column: str) -> Path:
        """The file with all columns of the verb's own measurers."""
        return self.folder / "measured.parquet"

    def texts(self, documents: NDArray[np.int64]) -> Iterator[TextBatch]:
        """Texts of rows by ascending positions."""
        for batch in text_batches(self.column.take(pa.array(documents))):
            yield TextBatch.from_arrow(batch)


def map_units(
    _name: str,
    function: Callable[[Any], Any],
    units: Sequence[Any],
    /,
    *,
    memory: int = 0,  # noqa: ARG001
) -> list[Any]:
    """Runs units in this process, one after the other, see refinery.shuffle.units.MapUnits."""
    return [function(unit) for unit in units]
