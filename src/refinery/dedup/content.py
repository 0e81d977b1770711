"""Measurer `content`: a hash of the key text, by which exact duplicates are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

SCHEMA = pa.schema([("content", pa.binary(16))])


@dataclass(frozen=True)
class Content(Measurer):
    """Column content: the xxh3-128 digest (16 bytes, big endian) of the key text's UTF-8, see refinery.text.fold.

    NULL for a document without words, whose key text is empty: such documents are no copies of one another.
    """

    name: str = "content"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """None."""
        return {}

    @property
    def schema(self) -> pa.Schema:
        """content."""
        return SCHEMA

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document."""
        from xxhash import xxh3_128_digest

        from refinery.text.fold import key_texts

        keys = key_texts(batch)
        data, bounds = memoryview(keys.data), keys.offsets.tolist()  # type: ignore[arg-type]
        digests = [  # half a microsecond a document; folding its text takes longer
            xxh3_128_digest(data[start:stop]) if stop > start else None for start, stop in pairwise(bounds)
        ]
        return pa.RecordBatch.from_arrays([pa.array(digests, pa.binary(16))], schema=SCHEMA)
