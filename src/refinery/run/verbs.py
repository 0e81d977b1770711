"""The global verbs: dedup and select, which must see all documents of a stage before any can be decided."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refinery.dedup.layout import MapUnits
from refinery.plan.graph import ResolvedStage, View, against_source, ranking
from refinery.plan.plan import Plan, PlannedShard, against_measurements
from refinery.run.decide import DROPPED, Above, above_of, kept_documents, load_columns
from refinery.run.measure import transformed
from refinery.storage.commit import make_directory
from refinery.storage.read import read_documents
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch


@dataclass(frozen=True)
class CandidatesTask:
    """A shard whose documents stand before a global verb; they are written to `file`."""

    planned: PlannedShard
    stage: ResolvedStage
    above: Above | None  # None for an earlier run's shard: all its documents stand
    trust: int
    file: Path


def run_verb(plan: Plan, stage: ResolvedStage, map_units: MapUnits) -> None:
    """Runs the stage's global verb over all shards that reach it and writes each shard's verb file."""
    folder = plan.work / "verbs" / plan.verb_keys[stage.name]
    make_directory(folder)
    shards = (*plan.earlier(stage), *plan.reaching(stage))
    tasks = [
        CandidatesTask(
            planned,
            stage,
            None
            if planned.spec.name == against_source(stage.name)
            else above_before_verb(plan, planned, stage),
            stage.sources.index(planned.spec.name) if planned.spec.name in stage.sources else -1,
            folder / f"candidates-{number:06}.parquet",
        )
        for number, planned in enumerate(shards)
    ]
    rows = map_units(write_candidates, tasks)
    dropped = _dedup(stage, tasks, rows, map_units, folder) if stage.dedup else _select(stage, tasks)
    for number, task in enumerate(tasks):
        if task.above is not None:
            with TableWriter(task.planned.verb_file(plan.verb_keys[stage.name]), DROPPED) as writer:
                writer.write(dropped(number))
    shutil.rmtree(folder, ignore_errors=True)  # candidates and spill; the verb files say all that stays


def above_before_verb(plan: Plan, planned: PlannedShard, stage: ResolvedStage) -> Above:
    """The stage's own decisions before its verb."""
    found = above_of(plan, planned, stage.name)
    return Above(found.stage, found.decisions, None)


def write_candidates(task: CandidatesTask) -> int:
    """Writes position, keys and preferences of the documents that stand before the verb; gives their number."""
    frame = _candidates(task)
    with TableWriter(task.file, frame.schema) as writer:
        writer.write(frame)
    return int(frame.num_rows)


def _candidates(task: CandidatesTask) -> pa.RecordBatch:
    planned, stage = task.planned, task.stage
    rows = pq.read_metadata(planned.documents_file).num_rows
    standing = np.arange(rows) if task.above is None else np.flatnonzero(kept_documents(task.above))
    columns: dict[str, Any] = {"document": standing.astype(np.int64)}
    if stage.dedup:
        columns |= _keys(task, standing)
        for number, preference in enumerate(stage.dedup.prefer):
            columns[f"prefer_{number}"] = _oriented(task, preference, standing, best_first="ASC")
    if stage.select:
        measured = stage.columns[planned.spec.name]
        columns["tokens"] = load_columns(planned, measured, ["tokens"])["tokens"].to_numpy()[standing]
        columns["prefer_0"] = _oriented(task, stage.select.by, standing, best_first="DESC")
    return pa.RecordBatch.from_pydict(columns)


def _keys(task: CandidatesTask, standing: NDArray[np.int64]) -> dict[str, pa.Array]:
    measurements = (
        against_measurements(task.stage)
        if task.above is None
        else tuple(
            c.measurement
            for n, c in task.stage.columns[task.planned.spec.name].items()
            if n.startswith("dedup.")
        )
    )
    keys: dict[str, pa.Array] = {}
    for measurement in measurements:
        for name in {"content", "signature"} & set(measurement.measurer.schema.names):
            table = pq.read_table(
                task.planned.measurement_file(measurement), columns=[name], use_threads=False
            )
            keys[name] = table.column(0).combine_chunks().take(pa.array(standing))
    return keys


def _oriented(
    task: CandidatesTask, text: str, standing: NDArray[np.int64], best_first: str
) -> NDArray[np.float64]:
    """A preference as numbers of which the smaller is better, NaN where it was not measured."""
    column, direction = ranking(text)
    if column == "source":
        return np.full(len(standing), float(task.trust))
    measured = task.stage.columns.get(task.planned.spec.name, {})
    if task.above is None or column not in measured:
        return np.full(len(standing), np.nan)
    values = load_columns(task.planned, measured, [column])[column].cast(pl.Float64).to_numpy()[standing]
    return -values if (direction or best_first) == "DESC" else values


@dataclass(frozen=True)
class StandingTexts:
    """The texts of a shard's candidates, as dedup asks for them: rows of the candidates file."""

    planned: PlannedShard
    view: View
    file: Path


def read_texts(reference: StandingTexts, rows: NDArray[np.int64]) -> Iterator[TextBatch]:
    """The transformed texts of the given candidates, in order."""
    documents = (
        pq.read_table(reference.file, columns=["document"], use_threads=False).column(0).to_numpy()[rows]
    )
    listing = pq.read_table(reference.planned.documents_file, columns=["row"], use_threads=False).column(0)
    wanted = listing.to_numpy()[documents]
    for batch in read_documents(reference.planned.shard, reference.planned.spec, wanted=wanted):
        yield TextBatch.from_arrow(transformed(reference.view, batch.text))


def _dedup(
    stage: ResolvedStage,
    tasks: list[CandidatesTask],
    rows: list[int],
    map_units: MapUnits,
    folder: Path,
) -> Callable[[int], pa.RecordBatch]:
    from refinery.dedup.run import DedupShard, dedup, settings_of

    shards = [
        DedupShard(
            entries=task.file,
            documents=StandingTexts(
                task.planned, stage.views.get(task.planned.spec.name, View(task.planned.spec.name)), task.file
            ),
            frozen=task.above is None,
            rows=count,
            name=task.planned.spec.name,
        )
        for task, count in zip(tasks, rows, strict=True)
    ]
    assert stage.dedup is not None  # noqa: S101  (the caller chose this verb)
    result = dedup(shards, settings_of(stage.dedup), map_units=map_units, read_texts=read_texts, work=folder)

    places = _places(tasks)

    def dropped(number: int) -> pa.RecordBatch:
        found = result.removed(number)
        document = _documents(tasks[number].file)[found.row]
        twins = np.empty(len(found.row), np.int64)
        for kept in np.unique(found.twin_shard):
            here = found.twin_shard == kept
            twins[here] = _documents(tasks[kept].file)[found.twin_row[here]]
        frozen = np.array([tasks[n].above is None for n in range(len(tasks))])[found.twin_shard]
        rule = np.where(frozen, "dedup.against", np.where(found.near, "dedup.near", "dedup.exact"))
        index = pa.array(found.twin_shard)
        columns = [document, rule.astype(object), *(place.take(index) for place in places), twins]
        arrays = [pa.array(c, t) for c, t in zip([*columns, found.similarity], DROPPED.types, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=DROPPED)

    return dropped


def _select(stage: ResolvedStage, tasks: list[CandidatesTask]) -> Callable[[int], pa.RecordBatch]:
    from refinery.select.budget import within_budget

    assert stage.select is not None  # noqa: S101  (the caller chose this verb)
    tables = [pq.read_table(task.file, columns=["tokens", "prefer_0"], use_threads=False) for task in tasks]
    tokens = np.concatenate([t.column("tokens").to_numpy() for t in tables])
    order = np.concatenate([t.column("prefer_0").to_numpy() for t in tables])
    chosen = within_budget(tokens, order, stage.select.tokens)
    starts = np.cumsum([0] + [t.num_rows for t in tables])

    def dropped(number: int) -> pa.RecordBatch:
        here = ~chosen[starts[number] : starts[number + 1]]
        document = _documents(tasks[number].file)[here]
        rule = pa.array(["select.tokens"] * len(document), pa.string())
        twins = [pa.nulls(len(document), kind) for kind in DROPPED.types[2:]]
        return pa.RecordBatch.from_arrays([pa.array(document), rule, *twins], schema=DROPPED)

    return dropped


def _places(tasks: list[CandidatesTask]) -> tuple[pa.Array, ...]:
    """Source, path, part and folder of every shard, in order."""
    shards = [task.planned for task in tasks]
    return (
        pa.array([planned.spec.name for planned in shards], pa.string()),
        pa.array([planned.shard.relative_path for planned in shards], pa.string()),
        pa.array([planned.shard.part for planned in shards], pa.int32()),
        pa.array([planned.folder.name for planned in shards], pa.string()),
    )


def _documents(file: Path) -> NDArray[np.int64]:
    return pq.read_table(file, columns=["document"], use_threads=False).column(0).to_numpy()  # type: ignore[no-any-return]
