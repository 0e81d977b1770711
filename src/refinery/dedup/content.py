"""Measurer `content`: a hash of the key text, by which exact duplicates are found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from refinery.filters.measurer import Measurer

if TYPE_CHECKING:
    from refinery.definition.protections import Fold
    from refinery.text.batch import TextBatch

SCHEMA = pa.schema([("content", pa.binary(16))])


@dataclass(frozen=True)
class Content(Measurer):
    """Column content: the xxh3-128 digest (16 bytes, big endian) of the key text's UTF-8, see refinery.text.fold.

    NULL for a document without words, whose key text is empty: such documents are no copies of one another.
    """

    fold: Fold | None = None
    name: str = "content"
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """How key texts are folded, where they are folded further."""
        return {"fold": self.fold} if self.fold else {}

    @property
    def schema(self) -> pa.Schema:
        """content."""
        return SCHEMA

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document."""
        from refinery.text.digests import digests
        from refinery.text.fold import key_texts

        return pa.RecordBatch.from_arrays(
            [digests(key_texts(batch, simplified=self.fold == "simplified"))], schema=SCHEMA
        )
