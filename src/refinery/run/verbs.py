"""The global verbs: dedup and select, which must see all documents of a stage before any can be decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from refinery.plan.graph import ResolvedStage, View, ranking
from refinery.plan.plan import VERBS, Plan, PlannedShard, against_measurements
from refinery.run.columns import ColumnFile, column_files, load_columns
from refinery.run.decide import DROPPED, Upstream, kept_documents, upstream
from refinery.run.measure import apply_transforms
from refinery.run.twins import name_twins, write_dropped
from refinery.select.budget import find_cut, read_ranked, within
from refinery.storage.commit import make_directory
from refinery.storage.place import Place, remove_scratch, remove_tree
from refinery.storage.read import read_documents
from refinery.storage.tables import read_table, row_count
from refinery.storage.write import TableWriter
from refinery.text.batch import TextBatch
from refinery.units import MapUnits

if TYPE_CHECKING:
    from refinery.dedup.run import DedupShard

GROUP_DOCUMENTS = 1 << 21  # of shards that one unit of select goes through
GROUPS = 64  # at least, where there are documents enough
LEAST_GROUP = 50_000
RANKED_BYTES = 64  # of memory that select takes for each document of a shard
TWIN_BYTES = 512  # of memory for a removed document with its twin's path and id


@dataclass(frozen=True)
class StandingTask:
    """A shard before a global verb; which documents stand, and their preferences, are written to `file`.

    rankings: column, and whether the greatest is best; columns: those of them that are measured here, and tokens.
    """

    planned: PlannedShard
    above: Upstream | None  # None for an earlier run's shard: all its documents stand
    trust: int
    file: Place
    rankings: tuple[tuple[str, bool], ...]
    columns: tuple[ColumnFile, ...]


@dataclass(frozen=True)
class SelectTask:
    """Shards whose documents that a budget leaves out are listed; cut: a key, remaining: see select.budget."""

    tasks: tuple[StandingTask, ...]
    key: str
    cut: int | None
    remaining: int


def run_verb(plan: Plan, stage: ResolvedStage, map_units: MapUnits) -> None:
    """Runs the stage's global verb over all shards that reach it and writes each shard's verb file."""
    folder = plan.work / VERBS / plan.verb_keys[stage.name]
    remove_tree(folder)  # what a run that was killed left
    make_directory(folder)
    tasks = _standing_tasks(plan, stage, folder)
    if stage.dedup:
        _dedup(plan, stage, tasks, map_units, folder)
    else:
        _select(plan, stage, tasks, map_units, folder)
    remove_scratch(folder)  # the verb files say all that stays


def _standing_tasks(plan: Plan, stage: ResolvedStage, folder: Place) -> list[StandingTask]:
    """The shards of an earlier run, then those that reach the stage, with its decisions before its verb."""
    texts, best = (stage.dedup.prefer, "ASC") if stage.dedup else ((), "")
    if stage.select:
        texts, best = (stage.select.by,), "DESC"
    ranked = tuple((name, (direction or best) == "DESC") for name, direction in map(ranking, texts))
    places = (folder / f"standing-{number:06}.parquet" for number in count())
    tasks = [StandingTask(planned, None, -1, next(places), ranked, ()) for planned in plan.earlier(stage)]
    for trust, source in enumerate(stage.sources):
        measured = stage.columns[source]
        wanted = {name for name, _ in ranked if name in measured} | ({"tokens"} if stage.select else set())
        columns = column_files(measured, sorted(wanted))
        above = replace(upstream(plan, stage.name, source), verb_key=None)
        tasks += [
            StandingTask(planned, above, trust, next(places), ranked, columns) for planned in plan.of(source)
        ]
    return tasks


def _shard_bytes(tasks: Sequence[StandingTask]) -> int:
    """What a unit may take that reads measurements of a shard: they are smaller than its text."""
    return max((task.planned.shard.bytes for task in tasks), default=0) or 1


def _standing(task: StandingTask) -> NDArray[np.bool_]:
    if task.above is None:
        return np.ones(row_count(task.planned.documents_file), np.bool_)
    return kept_documents(task.planned, task.above)


def write_standing(task: StandingTask) -> tuple[int, int]:
    """Writes, for dedup, a row for each of the shard's documents; gives their number and how many stand."""
    standing = _standing(task)
    columns: dict[str, object] = {"stands": standing}
    for number in range(len(task.rankings)):
        columns[f"prefer_{number}"] = _oriented(task, number, standing)
    batch = pa.RecordBatch.from_pydict(columns)
    with TableWriter(task.file, batch.schema, scratch=True) as writer:
        writer.write(batch)
    return len(standing), int(standing.sum())


def write_ranked(task: StandingTask) -> int:
    """Writes, for select, position, tokens and ranking of the documents that stand; gives their number."""
    mask = _standing(task)
    standing = np.flatnonzero(mask)
    tokens = load_columns(task.planned, task.columns, mask)["tokens"].to_numpy()
    order = _oriented(task, 0, mask)
    batch = pa.RecordBatch.from_pydict(
        {
            "document": standing.astype(np.int64),
            "tokens": tokens[standing].astype(np.int64),
            "prefer_0": order[standing],
        }
    )
    with TableWriter(task.file, batch.schema, scratch=True) as writer:
        writer.write(batch)
    return len(standing)


def _oriented(task: StandingTask, number: int, standing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A ranking as numbers of which the smaller is better, NaN where it was not measured."""
    column, greatest = task.rankings[number]
    if column == "source":
        return np.full(len(standing), float(task.trust))
    files = [file for file in task.columns if column in dict(file.names)]
    if not files:
        return np.full(len(standing), np.nan)
    values = load_columns(task.planned, files, standing)[column].cast(pl.Float64).to_numpy()
    return -values if greatest else values


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
        yield TextBatch.from_arrow(apply_transforms(reference.view, batch.text))


def _dedup(
    plan: Plan, stage: ResolvedStage, tasks: list[StandingTask], map_units: MapUnits, folder: Place
) -> None:
    from refinery.dedup.run import dedup, settings_of

    assert stage.dedup is not None  # noqa: S101  (the caller chose this verb)
    rows = map_units("dedup standing", write_standing, tasks, memory=_shard_bytes(tasks))
    shards = [_dedup_shard(stage, task, *counts) for task, counts in zip(tasks, rows, strict=True)]
    result = dedup(
        shards,
        settings_of(stage.dedup),
        map_units=map_units,
        read_texts=read_texts,
        work=folder / "dedup",
    )
    planned = [task.planned for task in tasks]
    map_units = partial(map_units, memory=TWIN_BYTES * result.stretch_documents)
    frozen = sum(count for task, (count, _) in zip(tasks, rows, strict=True) if task.above is None)
    named = name_twins(result, planned, folder / "twins", map_units)
    write_dropped(result, planned, named, plan.verb_keys[stage.name], frozen, map_units)


def _dedup_shard(stage: ResolvedStage, task: StandingTask, rows: int, standing: int) -> DedupShard:
    from refinery.dedup.run import DedupShard

    planned = task.planned
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
        frozen=task.above is None,
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
    rows = map_units("select ranking", write_ranked, tasks, memory=_shard_bytes(tasks))
    groups = in_groups(tasks, rows)
    places = [tuple(task.file for task in group) for group in groups]
    map_units = partial(map_units, memory=RANKED_BYTES * max(rows, default=0))
    cut = find_cut(places, stage.select.tokens, map_units, folder)
    units = [
        SelectTask(
            group, plan.verb_keys[stage.name], cut.key if cut else None, cut.remaining[n] if cut else 0
        )
        for n, group in enumerate(groups)
    ]
    map_units("select dropped", write_unselected, units)


def in_groups(tasks: Sequence[StandingTask], rows: Sequence[int]) -> list[tuple[StandingTask, ...]]:
    """Consecutive shards of together GROUP_DOCUMENTS, or of fewer where that gives fewer than GROUPS."""
    size = min(GROUP_DOCUMENTS, max(sum(rows) // GROUPS, LEAST_GROUP))
    numbers = (np.cumsum([0, *rows])[:-1] // size).tolist()
    return [
        tuple(task for task, here in zip(tasks, numbers, strict=True) if here == number)
        for number in sorted(set(numbers))
    ]


def write_unselected(task: SelectTask) -> None:
    """Writes the verb files of a group of shards: the documents that the budget leaves out."""
    remaining = task.remaining
    for shard in task.tasks:
        tokens, keys = read_ranked(shard.file)
        chosen, remaining = within(task.cut, tokens, keys, remaining)
        document = read_table(shard.file, ["document"]).column(0).to_numpy()[~chosen]
        rule = pa.array(["select.tokens"] * len(document), pa.string())
        twins = [pa.nulls(len(document), kind) for kind in DROPPED.types[2:]]
        with TableWriter(shard.planned.verb_file(task.key), DROPPED, scratch=True) as writer:
            writer.write(pa.RecordBatch.from_arrays([pa.array(document), rule, *twins], schema=DROPPED))
