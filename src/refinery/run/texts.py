"""Texts of a shard's documents as stages have them: after transforms, and without what verbs cut out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.filters.measurer import RemovedCounts
from refinery.filters.removed import Removed
from refinery.plan.graph import Measurement, VerbCut, View
from refinery.plan.plan import PlannedShard
from refinery.run.decide import CutTally, Upstream
from refinery.storage.place import Place
from refinery.storage.tables import read_table
from refinery.text.batch import TextBatch, with_nulls_of

# Passages that a verb cut out of documents which it kept, by row and start; bytes of the text as its stage has it.
CUTS = pa.schema(
    [
        ("row", pa.int64()),  # of the document, in the shard
        ("rule", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("characters", pa.int64()),
        ("other_source", pa.string()),  # the document for which it went; NULL where there is none
        ("other_path", pa.string()),
        ("other_row", pa.int64()),
        ("other_id", pa.string()),
    ]
)


def texts_of(view: View, planned: PlannedShard, rows: NDArray[np.int64], text: pa.Array) -> pa.Array:
    """large_string: documents at `rows` of a shard, whose text as it was read is `text`, as a view has them."""
    for step in view.transforms:
        text = (
            _without_cuts(planned.cut_file(step.outcome), rows, text)
            if isinstance(step, VerbCut)
            else step(text)
        )
    return text


def apply_transforms(view: View, text: pa.Array) -> pa.Array:
    """Texts that are no documents of a shard after the transforms of a view: no verb has cut them."""
    for step in view.transforms:
        text = text if isinstance(step, VerbCut) else step(text)
    return text


class SharedTexts:
    """Texts as several views of a source have them, which no verb has cut: a step that views share is taken once."""

    def __init__(self, views: Iterable[View]) -> None:
        self._from: list[tuple[View, View]] = []  # each with one before it that it continues, or the source
        for view in sorted(views, key=lambda view: len(view.transforms)):
            starts = [View(view.source, view.transforms[:n]).key for n in range(len(view.transforms))]
            before = [other for other, _ in self._from if other.key in starts]
            self._from.append((view, before[-1] if before else View(view.source)))

    def of(self, text: pa.Array) -> Iterator[tuple[View, pa.Array, Sequence[RemovedCounts]]]:
        """For each view the texts, and what its last transform removes of them; text: as it was read."""
        made = {View("").key: text}
        for view, before in self._from:
            counts: Sequence[RemovedCounts] = ()
            left = made[before.key]
            for step in view.transforms[len(before.transforms) :]:
                if not isinstance(step, VerbCut):
                    left, counts = step.remove(left)
            made[view.key] = left
            yield view, left, counts


def measured_of(
    m: Measurement, planned: PlannedShard, rows: NDArray[np.int64], text: pa.Array
) -> tuple[pa.RecordBatch, int]:
    """A measurement on documents at `rows` of a shard, whose text as it was read is `text`; bytes of text."""
    if not isinstance(m.measurer, Removed):
        batch = TextBatch.from_arrow(texts_of(m.view, planned, rows, text))
        return m.measurer(batch), batch.nbytes
    *above, last = m.view.transforms
    left = texts_of(View(m.view.source, tuple(above)), planned, rows, text)
    counts = () if isinstance(last, VerbCut) else last.remove(left)[1]
    return m.measurer.of(counts, len(left)), TextBatch.from_arrow(left).nbytes


def count_cuts(
    planned: PlannedShard, decided: Upstream, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], CutTally]:
    """Characters that a stage's verb cut out of each of a shard's documents, by their rows, and all that it cut."""
    table = read_table(planned.cut_file(decided.verb_key or ""), ["row", "start", "end", "characters"])
    row, start, end, characters = (column.to_numpy() for column in table.columns)
    found = np.zeros(len(rows), np.int64)
    np.add.at(found, np.searchsorted(rows, row), characters)
    size = int((end - start).sum())
    return found, CutTally(int(np.count_nonzero(found)), size, int(found.sum()))


def _without_cuts(file: Place, rows: NDArray[np.int64], text: pa.Array) -> pa.Array:
    """NULL stays; the very same array where nothing is cut."""
    cut, starts, ends = _read_cuts(file)
    low, high = np.searchsorted(cut, [rows[0], rows[-1] + 1]) if len(rows) else (0, 0)
    documents = np.searchsorted(rows, cut[low:high])
    here = np.flatnonzero(rows[documents] == cut[low:high])  # of the documents between, not all are read
    if len(here) == 0:
        return text
    from refinery.text.cut import cut_out

    batch = TextBatch.from_arrow(text)
    left = cut_out(batch, documents[here], starts[low:high][here], ends[low:high][here]).to_arrow()
    return with_nulls_of(text, left)


@lru_cache(maxsize=4)
def _read_cuts(file: Place) -> tuple[NDArray[np.int64], ...]:
    """Rows, starts and ends of a shard's cuts, whose file is named by its content's key."""
    table = read_table(file, ["row", "start", "end"])
    return tuple(column.to_numpy() for column in table.columns)
