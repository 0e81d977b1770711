"""The global verbs: dedup and select, which must see all documents of a stage before any can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.plan.graph import ResolvedStage, View, ranking
from refinery.plan.plan import Plan, PlannedShard, against_measurements
from refinery.run.decide import DROPPED, Above, above_of, kept_documents, load_columns
from refinery.run.measure import transformed
from refinery.run.twins import name_kept, write_dropped
from refinery.select.budget import RANKED, Batch, find_cutoff, ranking_keys, within
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_scratch, remove_tree
from refinery.storage.read import read_documents
from refinery.storage.tables import read_table, row_count
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch

if TYPE_CHECKING:
    from refinery.dedup.run import DedupShard

BATCH_DOCUMENTS = 1 << 21  # of shards that one unit of select goes through
BATCHES = 64  # at least, where there are documents enough
LEAST_BATCH = 50_000
RANKED_BYTES = 64  # of memory that select takes for each document of a shard
KEPT_BYTES = 512  # of memory for a removed document with the path and id of the kept one


@dataclass(frozen=True)
class StandingTask:
    """A shard before a global verb; which documents stand, and their preferences, are written to `file`."""

    planned: PlannedShard
    stage: ResolvedStage
    above: Above | None  # None for an earlier run's shard: all its documents stand
    trust: int
    file: Place


@dataclass(frozen=True)
class SelectTask:
    """Shards whose documents that a budget leaves out are listed; cutoff: a key, remaining: see select.budget."""

    tasks: tuple[StandingTask, ...]
    batch: Batch
    key: str
    cutoff: int | None
    remaining: int


def run_verb(plan: Plan, stage: ResolvedStage, map_units: MapUnits) -> None:
    """Runs the stage's global verb over all shards that reach it and writes each shard's verb file."""
    folder = plan.work / "verbs" / plan.verb_keys[stage.name]
    remove_tree(folder)  # what a run that was killed left
    make_directory(folder)
    tasks = [
        StandingTask(planned, stage, above, trust, folder / f"standing-{number:06}.parquet")
        for number, (planned, above, trust) in enumerate(_shards(plan, stage))
    ]
    if stage.dedup:
        _dedup(plan, stage, tasks, map_units, folder)
    else:
        _select(plan, stage, tasks, map_units, folder)
    remove_scratch(folder)  # the verb files say all that stays


def _shards(plan: Plan, stage: ResolvedStage) -> Iterator[tuple[PlannedShard, Above | None, int]]:
    for planned in plan.earlier(stage):
        yield planned, None, -1
    for planned in plan.reaching(stage):
        yield planned, above_before_verb(plan, planned, stage), stage.sources.index(planned.spec.name)


def above_before_verb(plan: Plan, planned: PlannedShard, stage: ResolvedStage) -> Above:
    """The stage's own decisions before its verb."""
    found = above_of(plan, planned, stage.name)
    return Above(found.stage, found.decisions, None)


def _shard_bytes(tasks: Sequence[StandingTask]) -> int:
    """What a unit may take that reads measurements of a shard: they are smaller than its text."""
    return max((task.planned.shard.bytes for task in tasks), default=0) or 1


def _standing(task: StandingTask) -> NDArray[np.bool_]:
    if task.above is None:
        return np.ones(row_count(task.planned.documents_file), np.bool_)
    return kept_documents(task.above)


def write_standing(task: StandingTask) -> tuple[int, int]:
    """Writes, for dedup, a row for each of the shard's documents; gives their number and how many stand."""
    standing = _standing(task)
    columns: dict[str, object] = {"stands": standing}
    for number, preference in enumerate(task.stage.dedup.prefer if task.stage.dedup else ()):
        columns[f"prefer_{number}"] = _oriented(task, preference, standing, best_first="ASC")
    batch = pa.RecordBatch.from_pydict(columns)
    with TableWriter(task.file, batch.schema, scratch=True) as writer:
        writer.write(batch)
    return len(standing), int(standing.sum())


def write_ranked(ranked: Records, unit: tuple[int, StandingTask]) -> int:
    """Writes, for select, tokens and ranking of the documents that stand, by position; gives their number."""
    number, task = unit
    assert task.stage.select is not None  # noqa: S101  (the caller chose this verb)
    mask = _standing(task)
    standing = np.flatnonzero(mask)
    measured = task.stage.columns[task.planned.spec.name]
    tokens = load_columns(task.planned, measured, ["tokens"])["tokens"].to_numpy()
    order = _oriented(task, task.stage.select.by, mask, best_first="DESC")
    records = np.empty(len(standing), RANKED)
    records["document"], records["tokens"] = standing, tokens[standing]
    records["key"] = ranking_keys(order[standing].astype(np.float64))
    ranked.write(number, records)
    return len(standing)


def _oriented(
    task: StandingTask, text: str, standing: NDArray[np.bool_], best_first: str
) -> NDArray[np.float64]:
    """A preference as numbers of which the smaller is better, NaN where it was not measured."""
    column, direction = ranking(text)
    if column == "source":
        return np.full(len(standing), float(task.trust))
    measured = task.stage.columns.get(task.planned.spec.name, {})
    if task.above is None or column not in measured:
        return np.full(len(standing), np.nan)
    values = load_columns(task.planned, measured, [column], standing)[column].cast(pl.Float64).to_numpy()
    return -values if (direction or best_first) == "DESC" else values


@dataclass(frozen=True)
class ShardTexts:
    """The texts of a shard, as dedup asks for them: by position among its documents."""

    planned: PlannedShard
    view: View


def read_texts(reference: ShardTexts, rows: NDArray[np.int64]) -> Iterator[TextBatch]:
    """The transformed texts of the given documents, in order."""
    planned = reference.planned
    wanted = read_table(planned.documents_file, ["row"]).column(0).to_numpy()[rows]
    for batch in read_documents(planned.shard, planned.spec, wanted=wanted):
        yield TextBatch.from_arrow(transformed(reference.view, batch.text))


def _dedup(
    plan: Plan, stage: ResolvedStage, tasks: list[StandingTask], map_units: MapUnits, folder: Place
) -> None:
    from refinery.dedup.run import dedup

    assert stage.dedup is not None  # noqa: S101  (the caller chose this verb)
    rows = map_units("dedup standing", write_standing, tasks, memory=_shard_bytes(tasks))
    shards = [_dedup_shard(task, *counts) for task, counts in zip(tasks, rows, strict=True)]
    result = dedup(
        shards,
        stage.dedup,
        map_units=map_units,
        read_texts=read_texts,
        work=folder / "dedup",
    )
    planned = [task.planned for task in tasks]
    map_units = partial(map_units, memory=KEPT_BYTES * result.corpus.partition_documents)
    names = name_kept(result, planned, folder / "kept", map_units)
    write_dropped(result, planned, names, plan.verb_keys[stage.name], map_units)


def _dedup_shard(task: StandingTask, rows: int, standing: int) -> DedupShard:
    from refinery.dedup.run import DedupShard

    planned, stage = task.planned, task.stage
    measurements = (
        against_measurements(stage)
        if task.above is None
        else tuple(
            c.measurement for n, c in stage.columns[planned.spec.name].items() if n.startswith("dedup.")
        )
    )
    keys = {
        name: planned.measurement_file(measurement)
        for measurement in measurements
        for name in {"content", "signature"} & set(measurement.measurer.schema.names)
    }
    view = stage.views.get(planned.spec.name, View(planned.spec.name))
    return DedupShard(
        entries=task.file,
        documents=ShardTexts(planned, view),
        earlier=task.above is None,
        rows=rows,
        name=planned.name,
        source=planned.spec.name,
        standing=standing,
        content=keys.get("content"),
        signature=keys.get("signature"),
    )


def _select(
    plan: Plan, stage: ResolvedStage, tasks: list[StandingTask], map_units: MapUnits, folder: Place
) -> None:
    assert stage.select is not None  # noqa: S101  (the caller chose this verb)
    ranked = Records.create(folder / "ranked", RANKED, writers=len(tasks))
    rank = partial(write_ranked, ranked)
    rows = map_units("select ranking", rank, list(enumerate(tasks)), memory=_shard_bytes(tasks))
    batches = in_batches(rows)
    map_units = partial(map_units, memory=RANKED_BYTES * max(rows, default=0))
    cutoff = find_cutoff(ranked, batches, stage.select.tokens, map_units, folder)
    units = [
        SelectTask(
            tuple(tasks[writer] for writer in batch.writers),
            batch,
            plan.verb_keys[stage.name],
            cutoff.key if cutoff else None,
            cutoff.remaining[batch.number] if cutoff else 0,
        )
        for batch in batches
    ]
    map_units("select dropped", partial(write_unselected, ranked), units)


def in_batches(rows: Sequence[int]) -> list[Batch]:
    """Consecutive shards of together BATCH_DOCUMENTS, or of fewer where that gives fewer than BATCHES."""
    size = min(BATCH_DOCUMENTS, max(sum(rows) // BATCHES, LEAST_BATCH))
    numbers = np.cumsum([0, *rows])[:-1] // size
    starts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist()] if len(rows) else []
    return [
        Batch(n, range(*ends)) for n, ends in enumerate(zip(starts, [*starts[1:], len(rows)], strict=False))
    ]


def write_unselected(ranked: Records, task: SelectTask) -> None:
    """Writes the verb files of a batch of shards: the documents that the budget leaves out."""
    remaining = task.remaining
    for writer, shard in zip(task.batch.writers, task.tasks, strict=True):
        records = ranked.read_written(writer)
        chosen, remaining = within(task.cutoff, records, remaining)
        document = records["document"][~chosen]
        rule = pa.array(["select.tokens"] * len(document), pa.string())
        none = [pa.nulls(len(document), kind) for kind in DROPPED.types[2:]]
        with TableWriter(shard.planned.verb_file(task.key), DROPPED, scratch=True) as output:
            output.write(pa.RecordBatch.from_arrays([pa.array(document), rule, *none], schema=DROPPED))
