"""Reading WARC and WET."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.storage.rows import Rows
from refinery.storage.shards import Shard, SourceSpec

CARRIED = pa.schema(
    [("url", pa.string()), ("date", pa.string()), ("http_status", pa.string()), ("content_type", pa.string())]
)


def read(
    shard: Shard,
    spec: SourceSpec,
    carry: pa.Schema | None,
    wanted: NDArray[np.int64] | None,
    batch_bytes: int,
) -> Iterator[Rows]:
    """The shard's documents."""
    raise NotImplementedError
