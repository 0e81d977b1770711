"""A document that a verb looks at and never drops, of an earlier run or of what is protected, by its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.report.document import Document
from refinery.run.texts import texts_of
from refinery.sources.ids import places_of
from refinery.sources.read import read_documents
from refinery.storage.tables import read_table


def earlier_document(plan: Plan, stage: ResolvedStage, place: Mapping[str, Any]) -> Document | None:
    """The document at a source, path and row, with its text as the stage's verb got it; None if it is no such one."""
    for planned in plan.earlier(stage):
        if planned.spec.name == place["source"] and (row := _row_at(planned, place)) is not None:
            outcome = "protected" if place["source"] in plan.graph.sources else "earlier"
            return Document(
                **{name: place[name] for name in ("source", "path", "row", "id")},
                outcome=outcome,
                stage=None,
                rule=None,
                failed=(),
                limits={},
                values={},
                duplicate_of=None,
                similarity=None,
                text=_text(planned, stage, row),
            )
    return None


def _row_at(planned: PlannedShard, place: Mapping[str, Any]) -> int | None:
    """Its row in the shard."""
    rows = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    _, paths, numbers = places_of(planned.shard, rows)
    here = pc.and_(pc.equal(paths, place["path"]), pc.equal(numbers, place["row"]))
    found = rows[np.flatnonzero(here.to_numpy(zero_copy_only=False))]
    return int(found[0]) if len(found) else None


def _text(planned: PlannedShard, stage: ResolvedStage, row: int) -> str | None:
    for batch in read_documents(planned.shard, planned.spec, wanted=np.array([row], np.int64)):
        if len(batch.rows):
            text = batch.text.cast(pa.large_string())
            view = stage.against[planned.spec.name]
            seen: str | None = texts_of(view, planned, batch.rows, text)[0].as_py()
            return seen
    return None
