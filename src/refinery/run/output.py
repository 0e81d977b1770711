"""Cutting an output into files and writing them; files staged by a run that was killed are taken over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from refinery.definition.models import Output
from refinery.executors.base import Unit
from refinery.run.columns import column_files
from refinery.run.decide import upstream
from refinery.run.write import (
    CheckTask,
    GatherTask,
    Layout,
    ScatterTask,
    Survivors,
    WriteTask,
    gather,
    is_whole,
    kept_bytes,
    make_layout,
    scatter,
    staged_before,
    write_file,
)
from refinery.storage.place import Place
from refinery.storage.write import WrittenFile

STRETCH_BYTES = 2**30
LITTLE = 4  # times as much text is read as is left: then all workers read before few write

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.plan.graph import ResolvedStage
    from refinery.plan.plan import Plan
    from refinery.run.context import Run


def write_output(
    run: Run, name: str, carried: pa.Schema, id_type: pa.DataType, staged: Place
) -> tuple[Layout, list[WrittenFile]]:
    """Writes every file of an output into the staging folder, in order."""
    plan = run.plan
    stage, output = plan.graph.stage_of(name), plan.graph.outputs[name]
    layout = make_layout(output, stage, carried, id_type)
    survivors = [s for source in stage.sources for s in _survivors(plan, stage, source, layout.measured)]
    found = run.map("lay out", kept_bytes, [Unit(s.planned.name, s) for s in survivors])
    sizes, read = [kept for kept, _ in found], sum(size for _, size in found)
    total = sum(sizes)
    files = max(1, -(-total // output.shard_bytes))
    ending = "parquet" if output.format == "parquet" else "jsonl.zst"
    paths = [staged / f"data-{number:05}.{ending}" for number in range(files)]
    known = _staged_before(run, staged, [path.name for path in paths])
    function: Any
    tasks: Sequence[Any]
    idle = files < min(
        run.executor.slots, len(survivors)
    )  # workers, if each file were written by one that reads
    if output.shuffle is None and not (idle and total < read // LITTLE):
        function = write_file
        tasks = _cut(survivors, sizes, paths, layout, output)
    else:
        function = gather
        scattered = _scatter_tasks(run, survivors, sizes, layout, output, files, staged)
        if len(known) < files:
            run.map("scatter", scatter, [_scatter_unit(task, sizes) for task in scattered])
        spills = tuple(task.spill for task in scattered)
        tasks = [GatherTask(spills, number, layout, output, path) for number, path in enumerate(paths)]
    units = [Unit(t.path.name, t, max(total // files, 1)) for t in tasks if t.path.name not in known]
    fresh = iter(run.map("write", function, units, lambda written: written.rows))
    written = [known.get(path.name) or next(fresh) for path in paths]
    return layout, [file for file in written if file.rows]


def _survivors(plan: Plan, stage: ResolvedStage, source: str, measured: tuple[str, ...]) -> list[Survivors]:
    columns = stage.columns[source]
    written = column_files(columns, (name for name in measured if name in columns))
    sizes = column_files(columns, ("bytes",))
    kept = upstream(plan, stage.name, source)
    return [Survivors(planned, stage.views[source], kept, written, sizes) for planned in plan.of(source)]


def _staged_before(run: Run, staging: Place, names: list[str]) -> dict[str, WrittenFile]:
    """The files that an earlier run finished and that are still as it wrote them."""
    staged = staged_before(staging, names)
    units = [Unit(file.path, CheckTask(staging, file), max(file.bytes, 1)) for file in staged]
    whole = run.map("check", is_whole, units)
    return {file.path: file for file, good in zip(staged, whole, strict=True) if good}


def scattered_name(start: int, stop: int) -> str:
    """The spill of shards start:stop: another run may cut them otherwise, with another number of slots."""
    return f"scattered-{start:06}-{stop:06}.parquet"


def stretches(sizes: list[int], slots: int) -> Iterator[tuple[int, int]]:
    """Shards start:stop that are scattered together: few spill files to gather from, and work for every slot."""
    wanted = min(STRETCH_BYTES, sum(sizes) // (4 * slots))
    start = size = 0
    for number, bytes_ in enumerate(sizes):
        size += bytes_
        if size > wanted or number == len(sizes) - 1:
            yield start, number + 1
            start, size = number + 1, 0


def _scatter_tasks(
    run: Run,
    survivors: list[Survivors],
    sizes: list[int],
    layout: Layout,
    output: Output,
    files: int,
    staged: Place,
) -> list[ScatterTask]:
    before = [0, *accumulate(sizes)]
    tasks = []
    for start, stop in stretches(sizes, run.executor.slots):
        mine = tuple((survivors[n], n, before[n]) for n in range(start, stop))
        tasks.append(ScatterTask(mine, layout, output, files, staged / scattered_name(start, stop)))
    return tasks


def _scatter_unit(task: ScatterTask, sizes: list[int]) -> Unit[ScatterTask]:
    first, start, _ = task.survivors[0]
    count = len(task.survivors)
    name = first.planned.name if count == 1 else f"{first.planned.name} and {count - 1} more"
    return Unit(name, task, max(sum(sizes[start : start + count]), 1))


def _cut(
    survivors: list[Survivors], sizes: list[int], paths: list[Place], layout: Layout, output: Output
) -> list[WriteTask]:
    """One task a file, each with just the shards whose text lies in it."""
    before = [0, *accumulate(sizes)]  # text bytes that lie before each shard
    tasks = []
    for number, path in enumerate(paths):
        last = number == len(paths) - 1
        low = number * output.shard_bytes
        high = before[-1] + 1 if last else low + output.shard_bytes
        first = max(bisect_left(before, low) - 1, 0)
        mine = [(survivors[n], before[n]) for n in range(first, bisect_left(before, high, hi=len(sizes)))]
        tasks.append(WriteTask(tuple(mine), low, high, layout, output, path))
    return tasks
