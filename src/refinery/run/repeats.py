"""How many times kept documents are written: as the verb of a stage that repeats documents decided."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.plan.graph import ResolvedStage
from refinery.plan.plan import Plan, PlannedShard
from refinery.storage.tables import read_table

REPEATS = pa.schema(
    [
        ("document", pa.int64()),  # position among the shard's accepted documents
        ("repeats", pa.int32()),  # times that it is written, at least two
    ]
)


def repeats_key(plan: Plan, stage: ResolvedStage) -> str:
    """The key of the outcome that says how many times a stage's documents are written; empty: each is once."""
    repeating = plan.graph.repeating(stage.name)
    return (plan.outcome_key(repeating.name) if repeating else None) or ""


def repeats_of(planned: PlannedShard, key: str, documents: int) -> NDArray[np.int32]:
    """int32 (documents,): times that each document of a shard is written if it is kept, by an outcome's key.

    Once where the key is empty: no verb repeats any.
    """
    times = np.ones(documents, np.int32)
    if key:
        table = read_table(planned.repeats_file(key), REPEATS.names)
        times[table.column(0).to_numpy()] = table.column(1).to_numpy()
    return times
