"""From rows of JSON values to documents, whatever the format: text, id and columns, in batches cut by bytes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import InputError
from refinery.sources.digest import PartDigest
from refinery.sources.documents import (
    NO_COLUMNS,
    REJECT_BYTES,
    Description,
    Documents,
    Reject,
    Request,
    Shard,
    SourceSpec,
)
from refinery.sources.json_row import MISSING, JsonRows
from refinery.sources.schema import JsonColumns, json_column
from refinery.storage.url import redact

_LOOK_BYTES = 4 * 2**20  # of rows whose values beside text and id are looked at together

Row = tuple[int, bytes | Reject]  # its number, and its values as a JSON object or why it has none
Rows = Callable[[Shard, SourceSpec, PartDigest | None], Iterator[Row]]


class File(NamedTuple):
    """A file to read: its first row is row `start` of the shard, `wanted` and `description` are as in a request."""

    shard: Shard
    start: int
    wanted: NDArray[np.int64] | None
    description: Description | None


def read(rows: Rows, shard: Shard, request: Request) -> Iterator[Documents]:
    """The shard's documents in order; rows that are not wanted are not parsed, and no row is parsed twice.

    rows: gives those of a shard, blank ones too. Ids of a batch are null, int64 or string: what its rows have.
    Raises InputError when the file cannot be read, or when values do not fit the columns of `carry`.
    """
    return read_files(rows, [File(shard, 0, request.wanted, request.description)], request, shard.name)


def read_files(rows: Rows, files: Iterable[File], request: Request, name: str) -> Iterator[Documents]:
    """As `read`, of one file after the other: small ones share a batch. name: what all of them are called."""
    spec, carry, _, batch_bytes, _ = request
    looked_at = frozenset(spec.texts).intersection(carry.names if carry is not None else ())
    batch, parser = _Batch(name, carry), None
    for shard, start, wanted, description in files:
        if parser is None or parser.made != shard.made:
            parser = JsonRows(shard, spec, looked_at)
        seen = None if description is None else _Seen(looked_at)
        row = -1
        found = rows(shard, spec, description.digest if description else None)
        for row, line in found if wanted is None else _wanted(found, wanted):
            if isinstance(line, Reject):
                batch.reject(replace(line, row=start + line.row))
            elif line and not line.isspace():
                parsed = parser.parse(start + row, line)
                if isinstance(parsed, Reject):
                    batch.reject(parsed)
                else:
                    batch.add(start + row, *parsed, len(line))
                    if seen is not None:
                        seen.add(parsed[2], len(line))
            if batch.size >= batch_bytes:
                yield batch.documents()
                batch = _Batch(name, carry)
        if description is not None and seen is not None:
            description.rows, description.carried = row + 1, seen.schema()
    yield batch.documents()


def _wanted(rows: Iterator[Row], wanted: NDArray[np.int64]) -> Iterator[Row]:
    asked = iter(wanted.tolist())
    next_row = next(asked, None)
    for row, line in rows:
        if next_row is None:
            return
        if row == next_row:
            yield row, line
            next_row = next(asked, None)


def first_columns(rows: Rows, shard: Shard, spec: SourceSpec, size: int) -> pa.Schema:
    """The types of the columns beside text and id in the first rows, which together have about `size` bytes.

    Raises InputError when the file cannot be opened or is not of its format.
    """
    parser, seen = JsonRows(shard, spec), _Seen()
    for row, line in rows(shard, spec, None):
        parsed = line if isinstance(line, Reject) else parser.parse(row, line)
        if isinstance(parsed, Reject) and parsed.reason == "unreadable":
            raise InputError(redact(shard.path), parsed.detail)
        if not isinstance(parsed, Reject):
            seen.add(parsed[2], len(line))  # type: ignore[arg-type]
        # what is rejected here is longer than the limit
        size -= spec.max_document_bytes if isinstance(line, Reject) else len(line) + 1
        if size <= 0:
            break
    return seen.schema()


class _Seen:
    """The types of the carried columns of all lines, looked at some megabytes at a time."""

    def __init__(self, left_out: Collection[str] = ()) -> None:
        self._left_out = left_out
        self._columns = JsonColumns()
        self._waiting: list[dict[str, Any]] = []
        self._size = 0

    def add(self, others: dict[str, Any], size: int) -> None:
        """One line's values beside text and id; the line has `size` bytes."""
        if self._left_out:
            others = {name: value for name, value in others.items() if name not in self._left_out}
        self._waiting.append(others)
        self._size += size
        if self._size >= _LOOK_BYTES:
            self._look()

    def schema(self) -> pa.Schema:
        """The columns of all lines so far."""
        self._look()
        return self._columns.schema()

    def _look(self) -> None:
        self._columns.add(self._waiting)
        self._waiting, self._size = [], 0


class _Batch:
    """Rows as they gather; name: what they are of."""

    def __init__(self, name: str, carry: pa.Schema | None) -> None:
        self._name = name
        self._carry = carry
        self._rows: list[int] = []
        self._texts: list[str] = []
        self._ids: list[Any] = []
        self._others: list[dict[str, Any]] = []
        self._rejects: list[Reject] = []
        self.size = 0

    def add(self, row: int, text: str, name: Any, others: dict[str, Any], size: int) -> None:
        """A document of `size` bytes, as `JsonRows.parse` gives it."""
        self._rows.append(row)
        self._texts.append(text)
        self._ids.append(name)
        if self._carry is not None:
            self._others.append(others)
        self.size += size

    def reject(self, reject: Reject) -> None:
        """A row that is none."""
        self._rejects.append(reject)
        self.size += REJECT_BYTES

    def documents(self) -> Documents:
        """What has been gathered, as arrays."""
        rows = np.array(self._rows, np.int64)
        text = pa.array(self._texts, pa.large_string())
        minted = np.array([name is MISSING for name in self._ids], bool)
        rejects = tuple(self._rejects)
        return Documents(rows, text, self._id_array(), minted, self._columns(), rejects)

    def _id_array(self) -> pa.Array:
        kinds = {type(name) for name in self._ids} - {type(None)}
        if kinds <= {int}:
            return pa.array(self._ids, pa.int64() if kinds else pa.null())
        texts = [name if isinstance(name, str) else _digits(name) for name in self._ids]
        return pa.array(texts, pa.string())

    def _columns(self) -> pa.RecordBatch:
        if self._carry is None:
            return NO_COLUMNS
        try:
            arrays = [json_column([row.get(f.name) for row in self._others], f) for f in self._carry]
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            problem = f"a value does not fit the type its column had in the first read: {error}"
            raise InputError(self._name, problem[:300]) from None
        return pa.RecordBatch.from_arrays(arrays, schema=self._carry)


def _digits(name: object) -> str | None:
    """An id among strings; NULL for none and for one that is to be minted."""
    return str(name) if isinstance(name, int) else None
