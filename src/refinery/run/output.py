"""Cutting an output into files and writing them; files staged by a run that was killed are taken over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.executors.base import Unit
from refinery.run.decide import above_of
from refinery.run.ids import common_id_type
from refinery.run.write import (
    GatherTask,
    Layout,
    ScatterTask,
    Survivors,
    WriteTask,
    gather,
    kept_bytes,
    make_layout,
    scatter,
    staged_before,
    write_file,
)
from refinery.storage.write import WrittenFile

if TYPE_CHECKING:
    from refinery.run.run import Run


def write_output(run: Run, name: str, carried: pa.Schema, staged: Path) -> tuple[Layout, list[WrittenFile]]:
    """Writes every file of an output into the staging folder, in order."""
    plan = run.plan
    stage, output = plan.graph.stages[name], plan.graph.outputs[name]
    shards = plan.reaching(stage)
    types = [pq.read_schema(planned.documents_file).field("id").type for planned in shards]
    layout = make_layout(output, stage, carried, common_id_type(types))
    survivors = [Survivors(planned, stage, above_of(plan, planned, name)) for planned in shards]
    sizes = run.map("lay out", kept_bytes, [Unit(s.planned.name, s) for s in survivors])
    total = sum(sizes)
    files = max(1, -(-total // output.shard_bytes))
    ending = "parquet" if output.format == "parquet" else "jsonl.zst"
    paths = [staged / f"data-{number:05}.{ending}" for number in range(files)]
    known = {path: staged_before(path) for path in paths}
    function: Any
    tasks: Sequence[Any]
    if output.shuffle is None:
        function = write_file
        tasks = _cut(survivors, sizes, paths, layout, output)
    else:
        function = gather
        scattered = [
            ScatterTask(s, number, layout, output.shuffle, files, staged / f"scattered-{number:06}.parquet")
            for number, s in enumerate(survivors)
        ]
        if not all(known.values()):
            run.map(
                "scatter",
                scatter,
                [Unit(t.survivors.planned.name, t, max(b, 1)) for t, b in zip(scattered, sizes, strict=True)],
            )
        spills = tuple(task.spill for task in scattered)
        tasks = [GatherTask(spills, number, layout, output, path) for number, path in enumerate(paths)]
    units = [Unit(task.path.name, task, max(total // files, 1)) for task in tasks if known[task.path] is None]
    fresh = iter(run.map("write", function, units, lambda written: written.rows))
    written = []
    for task in tasks:
        file = known[task.path] or next(fresh)
        if file.rows:
            written.append(file)
    return layout, written


def _cut(
    survivors: list[Survivors], sizes: list[int], paths: list[Path], layout: Layout, output: Any
) -> list[WriteTask]:
    """One task a file, each with just the shards whose text lies in it."""
    tasks = []
    for number, path in enumerate(paths):
        low, high = number * output.shard_bytes, (number + 1) * output.shard_bytes
        before, mine = 0, []
        for one, size in zip(survivors, sizes, strict=True):
            if before < high and before + size >= low:
                mine.append((one, before))
            before += size
        last = number == len(paths) - 1
        tasks.append(WriteTask(tuple(mine), low, before + 1 if last else high, layout, output, path))
    return tasks
