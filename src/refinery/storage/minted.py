"""Ids for documents that come without one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from refinery.storage.documents import Shard


def minted_ids(shard: Shard, rows: NDArray[np.int64]) -> pa.Array:
    """`<16 hex digits>-<row>`: the hash of the file's path below the source's root, and the row in the file.

    The same wherever the source lies. A JSONL file that is cut by bytes counts rows from each cut, and the
    hash covers where the cut is, as rows before it are not known.
    """
    place = shard.relative_path
    if shard.format == "jsonl" and shard.start:
        place += f"@{shard.start}"
    numbers = pa.array(rows + shard.first_row).cast(pa.string())
    return pc.binary_join_element_wise(xxhash.xxh3_64_hexdigest(place.encode()), numbers, "-")
