"""Reading whole sources in tests: every shard, every batch, as plain Python values."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from refinery.sources.documents import Description, Reject, Shard, SourceSpec
from refinery.sources.ids import common_id_type, with_minted, with_type
from refinery.sources.read import BATCH_BYTES, read_documents
from refinery.sources.schema import unify
from refinery.sources.shards import SHARD_BYTES, list_shards


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

    Ids are as in an output: minted from the row in the file, and of one type over all shards.
    """
    shards = list_shards(source, shard_bytes).shards
    schema = unify([(shard.name, scan_schema(shard, source)) for shard in shards]) if carry else None
    rows = None if wanted is None else np.array(wanted, np.int64)
    found = Everything()
    ids: list[pa.Array] = []
    before: Counter[str] = Counter()  # rows of each file in the shards read so far
    for planned in shards:
        shard = replace(planned, first_row=before[planned.path] or planned.first_row)
        seen = Description()
        last = -1
        for batch in read_documents(
            shard, source, carry=schema, wanted=rows, batch_bytes=batch_bytes, describe=seen
        ):
            assert (np.diff(batch.rows) > 0).all()
            assert not len(batch.rows) or batch.rows[0] > last
            last = batch.rows[-1] if len(batch.rows) else last
            ids.append(with_minted(shard, batch.rows, batch.ids, batch.minted))
            found.texts += batch.text.to_pylist()
            found.columns += batch.columns.to_pylist() if schema else []
            found.rejects += batch.rejects
            for reason, count in batch.skipped.items():
                found.skipped[reason] = found.skipped.get(reason, 0) + count
            found.batches += 1
        before[shard.path] += seen.rows
    kind = common_id_type(array.type for array in ids)
    found.ids = [name for array in ids for name in with_type(array, kind).to_pylist()]
    return found
