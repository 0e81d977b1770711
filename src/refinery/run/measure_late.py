"""Late measurements: of what is costly, or needs a model that the run makes, on documents that reach a stage alone.

One unit a shard, for stages that are ready together. The file is row-aligned with the shard's documents, as every
measurement is, with NULL where nothing was measured. What an earlier run measured stays: other rules upstream cost
only the documents that they let through anew.
"""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from refinery.errors import RunError
from refinery.plan.graph import Measurement
from refinery.plan.plan import Plan, PlannedShard
from refinery.run.columns import MEASURED
from refinery.run.decide import Upstream, arrived_documents, kept_documents, upstream
from refinery.run.measure import Measured
from refinery.run.texts import measured_of
from refinery.sources.read import read_documents
from refinery.storage.place import exists
from refinery.storage.tables import read_table
from refinery.storage.write import TableWriter


@dataclass(frozen=True)
class LateTask:
    """A shard, what stages measure on arrival, and where the stages above left their decisions.

    wanted: the parents (as in `Graph.parents`) of each stage, and its late measurements.
    """

    planned: PlannedShard
    wanted: tuple[tuple[tuple[str, ...], tuple[Measurement, ...]], ...]
    above: tuple[Upstream, ...]

    @property
    def gpus(self) -> float:
        """The share of GPUs that the unit needs."""
        return max(m.measurer.gpus for _, measurements in self.wanted for m in measurements)


def late_tasks(plan: Plan, wanted: Mapping[str, Container[str]]) -> list[LateTask]:
    """The units that measure what comes to stages; wanted: by stage the keys of measurements."""
    tasks = []
    for source in plan.graph.sources:
        found = []
        for name, keys in wanted.items():
            stage = plan.graph.stages[name]
            measurements = tuple(m for m in stage.late.get(source, ()) if m.key in keys)
            if measurements:
                found.append((plan.graph.parents(stage, source), measurements))
        names = sorted({parent for parents, _ in found for parent in parents} - {source})
        above = tuple(upstream(plan, name, source) for name in names)
        if found:
            tasks += [LateTask(planned, tuple(found), above) for planned in plan.of(source)]
    return tasks


def measure_arrived(task: LateTask) -> Measured:
    """Measures what arrives at the stages and was not measured before."""
    started = time.perf_counter()
    planned = task.planned
    listing = read_table(planned.documents_file, ["row"]).column(0).to_numpy()
    kept = {above.stage: kept_documents(planned, above) for above in task.above}
    arrivals: dict[str, tuple[Measurement, NDArray[np.bool_]]] = {}
    for parents, measurements in task.wanted:
        arrived = arrived_documents(parents, planned.spec.name, len(listing), kept)
        for m in measurements:
            _, others = arrivals.get(m.key, (m, np.zeros(len(listing), bool)))
            arrivals[m.key] = m, arrived | others
    counts = [_measure(planned, m, listing, arrived) for m, arrived in arrivals.values()]
    documents, size = (sum(column) for column in zip(*counts, strict=True))
    return Measured(documents, size, time.perf_counter() - started)


def _measure(
    planned: PlannedShard, m: Measurement, listing: NDArray[np.int64], arrived: NDArray[np.bool_]
) -> tuple[int, int]:
    """Documents and bytes that were measured."""
    file = planned.measurement_file(m)
    before = read_table(file) if exists(file) else None
    measured = before.column(MEASURED.name).to_numpy() if before else np.zeros(len(listing), bool)
    wanted = np.flatnonzero(arrived & ~measured)
    if before is not None and len(wanted) == 0:
        return 0, 0
    found: list[pa.RecordBatch] = []
    rows = [np.empty(0, np.int64)]
    size = 0
    if len(wanted):
        for batch in read_documents(planned.shard, planned.spec, wanted=listing[wanted]):
            made, read = measured_of(m, planned, batch.rows, batch.text)
            found.append(made)
            rows.append(batch.rows)
            size += read
    if not np.array_equal(np.concatenate(rows), listing[wanted]):
        raise RunError(f"{planned.name}: other rows than in the first read; the file has changed")
    # of each document in the rows measured before and now, one after the other
    place = np.full(len(listing), -1)
    place[measured] = np.flatnonzero(measured)
    place[wanted] = (before.num_rows if before else 0) + np.arange(len(wanted))
    known = [before.select(m.measurer.schema.names)] if before else []
    joined = pa.concat_tables([*known, pa.Table.from_batches(found, m.measurer.schema)])
    table = joined.take(pa.array(place, mask=place < 0)).append_column(MEASURED, pa.array(place >= 0))
    with TableWriter(file, table.schema, scratch=True) as writer:
        writer.write(table)
    return len(wanted), size
