"""Measurer `pii`: how often each kind of personal data stands in a text, a column each.

    measure: [pii]
    keep: [{no_directory: "pii_email + pii_phone <= 5"}]

It counts in the text as it arrives: after a transform `pii` there is nothing left to count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from refinery.definition.values import Model
from refinery.filters.measurer import Measurer
from refinery.filters.pii import KINDS, PII

if TYPE_CHECKING:
    from refinery.text.batch import TextBatch

SCHEMA = pa.schema([(f"pii_{kind}", pa.int64()) for kind in KINDS])


class Settings(Model):
    """What may be written in a definition for `pii` in `measure`: nothing, all kinds are counted."""


@dataclass(frozen=True)
class PiiCounts(Measurer):
    """An int64 column a kind, never NULL."""

    name: str = "pii"
    version: int = PII

    @property
    def settings(self) -> Mapping[str, object]:
        """None."""
        return {}

    @property
    def schema(self) -> pa.Schema:
        """pii_email, pii_phone and so on."""
        return SCHEMA

    @property
    def speed(self) -> float:
        """One walk."""
        return 300e6

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """One row a document; a NULL or empty text has none."""
        from refinery.text.pii import find

        found = find(batch)
        counts = np.bincount(found.document * len(KINDS) + found.kind, minlength=len(batch) * len(KINDS))
        columns = counts.astype(np.int64).reshape(len(batch), len(KINDS)).T
        return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=SCHEMA)


def build(settings: Settings) -> PiiCounts:  # noqa: ARG001  (every measurer is built the same way)
    """The measurer."""
    return PiiCounts()
