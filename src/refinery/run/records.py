"""Records: what is known about shards once they have been read.

Each lies in its shard's folder. A pipeline keeps those of a source in one table as well: of hundreds of thousands of
shards a run then reads one file.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from refinery.errors import DamagedFile
from refinery.plan.plan import Plan, PlannedShard
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, read_many
from refinery.storage.sealed import read_sealed_json
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter

_WORD = pa.dictionary(pa.int32(), pa.string())
_COUNTS = pa.list_(pa.struct([("reason", pa.string()), ("count", pa.int64())]))
FOLDER = "records"  # of a pipeline's own
_TABLE = pa.schema(
    [
        ("shard", pa.string()),  # its key
        *((name, pa.int64()) for name in ("rows", "documents", "rejected", "bytes")),
        ("reasons", _COUNTS),
        ("skipped", _COUNTS),
        ("nulled", _COUNTS),
        ("unmatched", _COUNTS),
        ("schema", _WORD),
        ("hash", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What is known about a shard once it has been read; rows: its lines, rows or records, whatever they were."""

    rows: int
    documents: int
    rejected: int
    bytes: int
    reasons: dict[str, int] = field(default_factory=dict)  # of the rejects
    skipped: dict[str, int] = field(default_factory=dict)  # records that are no documents, by reason
    schema: str = ""  # id and carried columns, as base64 of the Arrow schema
    hash: str = ""  # of its part of the file (sources.digest)
    nulled: dict[str, int] = field(default_factory=dict)  # values of a wrong type, by column
    unmatched: dict[str, int] = field(default_factory=dict)  # documents without a row, by joined table

    def id_type(self) -> pa.DataType:
        """The type of the shard's ids."""
        return self._schema().field(0).type

    def carried(self) -> pa.Schema:
        """The columns beside text and id that this shard has."""
        return self._schema().remove(0)

    def _schema(self) -> pa.Schema:
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.schema)))


def read_shard_records(shards: Iterable[PlannedShard]) -> dict[int, ShardRecord]:
    """The records of the shards that have been read, by shard number; a damaged one is none."""
    wanted = list(shards)
    found: dict[int, ShardRecord] = {}
    contents = read_many([planned.record_file for planned in wanted])
    for planned, content in zip(wanted, contents, strict=True):
        if content is not None:
            with contextlib.suppress(ValueError, TypeError):
                found[planned.number] = ShardRecord(**read_sealed_json(content))
    return found


def read_kept_records(plan: Plan) -> dict[int, ShardRecord]:
    """The records that the pipeline has kept in tables, by shard number."""
    found: dict[int, ShardRecord] = {}
    for source in plan.listed:
        kept = read_records(_table_of(plan, source))
        found |= {p.number: kept[p.folder.name] for p in plan.of(source) if p.folder.name in kept}
    return found


def keep_records(plan: Plan, source: str, records: Mapping[int, ShardRecord]) -> None:
    """Keeps the records of all shards of a source in a table; raises OutputError."""
    file = _table_of(plan, source)
    make_directory(file.parent)
    write_records(file, {planned.folder.name: records[planned.number] for planned in plan.of(source)})


def _table_of(plan: Plan, source: str) -> Place:
    return plan.own / FOLDER / f"{source}.parquet"


def write_records(file: Place, records: Mapping[str, ShardRecord]) -> None:
    """Writes records by the keys of their shards as one table; raises OutputError."""
    rows = list(records.values())
    columns = {
        "shard": pa.array(records.keys(), pa.string()),
        "reasons": _counts([record.reasons for record in rows]),
        "skipped": _counts([record.skipped for record in rows]),
        "nulled": _counts([record.nulled for record in rows]),
        "unmatched": _counts([record.unmatched for record in rows]),
        "schema": pa.array([record.schema for record in rows], pa.string()).dictionary_encode(),
    }
    arrays = [
        columns[one.name]
        if one.name in columns
        else pa.array([getattr(record, one.name) for record in rows], one.type)
        for one in _TABLE
    ]
    with TableWriter(file, _TABLE, scratch=True) as writer:
        writer.write(pa.RecordBatch.from_arrays(arrays, schema=_TABLE))


def read_records(file: Place) -> dict[str, ShardRecord]:
    """The records of a table by the keys of their shards; none if it is damaged or not there."""
    try:
        table = read_table(file, _TABLE.names)
    except DamagedFile:
        return {}
    found: dict[str, ShardRecord] = {}
    for batch in table.to_batches():
        columns = [batch[name].to_pylist() for name in ("rows", "documents", "rejected", "bytes")]
        columns += [_dictionaries(batch[name]) for name in ("reasons", "skipped")]
        schemas = batch["schema"].dictionary.to_pylist()
        columns.append([schemas[index] for index in batch["schema"].indices.to_pylist()])
        columns.append(batch["hash"].to_pylist())
        columns += [_dictionaries(batch[name]) for name in ("nulled", "unmatched")]
        records = (ShardRecord(*row) for row in zip(*columns, strict=True))
        found |= zip(batch["shard"].to_pylist(), records, strict=True)
    return found


def _counts(rows: Sequence[dict[str, int]]) -> pa.Array:
    return pa.array([[{"reason": r, "count": n} for r, n in row.items()] for row in rows], _COUNTS)


def _dictionaries(counts: pa.Array) -> list[dict[str, int]]:
    return [{one["reason"]: one["count"] for one in row} for row in counts.to_pylist()]
