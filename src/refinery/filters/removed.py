"""What the rules of a transform remove of each document, counted where its texts are made.

Stored is one list column, row-aligned with the documents: by rule, as a number in `Transform.rules`, the parts that
went and how long they were. So a rule can be renamed, and counts are of whatever documents come to a stage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from refinery.filters.measurer import Measurer, RemovedCounts
from refinery.text.batch import TextBatch

REMOVED = "removed"
_OF_A_RULE = pa.struct([(name, pa.int64()) for name in ("rule", "parts", "bytes", "characters")])


@dataclass(frozen=True)
class Removed(Measurer):
    """Of a view's last transform; a measurer of what it does instead of the text that it leaves."""

    name: str = REMOVED
    version: int = 1

    @property
    def settings(self) -> Mapping[str, object]:
        """None: the transform is part of the view."""
        return {}

    @property
    def schema(self) -> pa.Schema:
        """removed: for each rule that removed something its number, parts, bytes and characters."""
        return pa.schema([(REMOVED, pa.list_(_OF_A_RULE))])

    def __call__(self, batch: TextBatch) -> pa.RecordBatch:
        """Nothing: texts alone do not tell what they have lost."""
        return self.of((), len(batch))

    def of(self, counts: Sequence[RemovedCounts], documents: int) -> pa.RecordBatch:
        """Of a batch of documents, by what its transform counted."""
        arrays = [np.concatenate([np.empty(0, np.int64), *column]) for column in zip(*counts, strict=True)]
        if not arrays:
            lists = pa.array([[]] * documents, pa.list_(_OF_A_RULE))
            return pa.RecordBatch.from_arrays([lists], schema=self.schema)
        order = np.lexsort((arrays[1], arrays[0]))
        document, *values = (array[order] for array in arrays)
        bounds = np.searchsorted(document, np.arange(documents + 1)).astype(np.int32)
        structs = pa.StructArray.from_arrays([pa.array(one) for one in values], fields=list(_OF_A_RULE))
        lists = pa.ListArray.from_arrays(bounds, structs)
        return pa.RecordBatch.from_arrays([lists], schema=self.schema)
