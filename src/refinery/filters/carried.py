"""Columns that a source's files have beside text and id, kept with the documents as they are read.

What decides on many documents (a verb) can so use a date, a URL or a number of the source without reading it again.
Stored is a column `value`, row-aligned with the documents: of Parquet and WARC in its own type, of JSON Lines as JSON
text, since no line tells the type of a column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from refinery.filters.measurer import Measurer
from refinery.sources.nested import find_values
from refinery.storage.marks import json_text

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

VALUE = "value"


@dataclass(frozen=True)
class Carried(Measurer):
    """A column by its name, dotted for a nested one; a measurer of files instead of texts.

    table: the identity of the table that is joined to the source and has it.
    """

    column: str = ""
    table: str = ""
    name: str = "carried"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """The column's name, and the table that it is of."""
        return {"column": self.column, **({"table": self.table} if self.table else {})}

    @property
    def schema(self) -> pa.Schema:
        """value, of whatever type a file has."""
        return pa.schema([(VALUE, pa.null())])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """NULL: texts alone tell nothing of it."""
        return pa.RecordBatch.from_arrays([pa.nulls(len(batch))], schema=self.schema)

    def of(self, columns: pa.RecordBatch, size: int) -> pa.RecordBatch:
        """The column among the columns of `size` documents as they were read, NULL if it is not there."""
        values, is_json = find_values(columns, self.column, size)
        field = json_text(VALUE, "") if is_json else pa.field(VALUE, values.type)
        return pa.RecordBatch.from_arrays([values], schema=pa.schema([field]))


def from_json(texts: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """JSON texts, all of values of a plain type, as that type; raises pa.ArrowInvalid for others.

    >>> from_json(pa.chunked_array([['"a\\\\n"', None]]), pa.string()).to_pylist()
    ['a\\n', None]
    """
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.nulls(len(texts))])
    texts = pc.if_else(pc.equal(texts, "null"), None, texts)  # NaN, which JSON does not have
    if pa.types.is_boolean(kind):
        return pc.equal(texts, "true")
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return texts.cast(kind)
    return pa.chunked_array([_unquoted(chunk) for chunk in texts.chunks], pa.large_string())


def _unquoted(texts: pa.Array) -> pa.Array:
    inner = pc.utf8_slice_codeunits(texts, 1, -1).cast(pa.large_string())
    escaped = pc.fill_null(pc.match_substring(texts, "\\"), False)
    if not pc.any(escaped).as_py():
        return inner
    plain = pa.array([orjson.loads(text) for text in texts.filter(escaped).to_pylist()], pa.large_string())
    return pc.replace_with_mask(inner, escaped, plain)
