"""Reading whole sources in tests: every shard, every batch, as plain Python values."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from refinery.storage.documents import Description, Reject, Shard, SourceSpec
from refinery.storage.ids import common_id_type, with_type
from refinery.storage.read import BATCH_BYTES, read_documents
from refinery.storage.schema import unify
from refinery.storage.shards import SHARD_BYTES, list_shards


@dataclass
class Everything:
    """All documents of a source in order."""

    ids: list[Any] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    batches: int = 0

    @property
    def reasons(self) -> list[str]:
        return [reject.reason for reject in self.rejects]


def spec(path: Path | str, **options: Any) -> SourceSpec:
    return SourceSpec("source", (str(path),), **options)


def describe(shard: Shard, source: SourceSpec) -> Description:
    """What a whole read finds out."""
    found = Description()
    for _ in read_documents(shard, source, describe=found):
        pass
    return found


def scan_schema(shard: Shard, source: SourceSpec) -> pa.Schema:
    return describe(shard, source).carried


def id_type(shard: Shard, source: SourceSpec) -> pa.DataType:
    return common_id_type(describe(shard, source).id_types)


def read_all(
    source: SourceSpec,
    *,
    carry: bool = False,
    shard_bytes: int = SHARD_BYTES,
    batch_bytes: int = BATCH_BYTES,
    wanted: list[int] | None = None,
) -> Everything:
    """Reads every shard; `wanted` row numbers are asked of each. Checks that rows ascend.

    Ids have the type that they share over all shards, as in an output.
    """
    shards = list_shards(source, shard_bytes).shards
    schema = unify([(shard.name, scan_schema(shard, source)) for shard in shards]) if carry else None
    rows = None if wanted is None else np.array(wanted, np.int64)
    found = Everything()
    ids: list[pa.Array] = []
    for shard in shards:
        last = -1
        for batch in read_documents(shard, source, carry=schema, wanted=rows, batch_bytes=batch_bytes):
            assert (np.diff(batch.rows) > 0).all()
            assert not len(batch.rows) or batch.rows[0] > last
            last = batch.rows[-1] if len(batch.rows) else last
            ids.append(batch.ids)
            found.texts += batch.text.to_pylist()
            found.columns += batch.columns.to_pylist() if schema else []
            found.rejects += batch.rejects
            for reason, count in batch.skipped.items():
                found.skipped[reason] = found.skipped.get(reason, 0) + count
            found.batches += 1
    kind = common_id_type(array.type for array in ids)
    found.ids = [name for array in ids for name in with_type(array, kind).to_pylist()]
    return found
