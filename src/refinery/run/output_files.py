"""Cutting an output into files and writing them; files staged by a run that was killed are taken over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from refinery.definition.models import Output
from refinery.executors.base import Unit
from refinery.run.columns import find_columns
from refinery.run.decide import upstream
from refinery.run.write import (
    CheckTask,
    GatherTask,
    Layout,
    ScatterTask,
    Survivors,
    WriteTask,
    find_staged,
    gather,
    is_whole,
    kept_bytes,
    make_layout,
    scatter,
    scattered_schema,
    write_file,
)
from refinery.shuffle.records import Tables
from refinery.storage.arrow_bytes import cuts
from refinery.storage.place import Place
from refinery.storage.write import WrittenFile
from refinery.watch.events import CacheChecked, Count, Subject

SCATTER_BYTES = 2**30  # of text that one unit scatters at most
BLOCK_BYTES = 2**27  # of rows that are scattered together; each output file has a part of a block
# Text that is read to text that is left, and workers to files, from which on all workers read before few write.
LITTLE = 4

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
    of = Subject("output", name)
    units = [Unit(s.planned.name, s, of=(of,)) for s in survivors]
    found = run.map("lay out", kept_bytes, units, more=True)
    sizes, read = [kept for kept, _ in found], sum(size for _, size in found)
    total = sum(sizes)
    files = max(1, -(-total // output.shard_bytes))
    ending = "parquet" if output.format == "parquet" else "jsonl.zst"
    paths = [staged / f"data-{number:05}.{ending}" for number in range(files)]
    known = _staged_before(run, of, staged, [path.name for path in paths])

    def write(function: Callable[[Any], WrittenFile], tasks: Sequence[WriteTask | GatherTask]) -> None:
        left = [task for task in tasks if task.path.name not in known]
        units = [Unit(task.path.name, task, max(total // files, 1), of=(of,)) for task in left]
        made = run.map(
            "write",
            function,
            units,
            documents=lambda file: file.rows,
            counts=lambda _, file: [Count(of, kept=file.rows)],
        )
        known.update((task.path.name, file) for task, file in zip(left, made, strict=True))

    few = LITTLE * files <= min(run.executor.slots, len(survivors)) and LITTLE * total < read
    if output.shuffle is None and not few:
        write(write_file, _cut(survivors, sizes, paths, layout, output))
    elif len(known) < files:
        with _scattered(run, of, survivors, sizes, layout, output, files, staged) as scattered:
            tasks = [GatherTask(scattered, number, layout, output, path) for number, path in enumerate(paths)]
            write(gather, tasks)
    return layout, [known[path.name] for path in paths if known[path.name].rows]


def _survivors(plan: Plan, stage: ResolvedStage, source: str, measured: tuple[str, ...]) -> list[Survivors]:
    columns = stage.columns[source]
    written = find_columns(columns, (name for name in measured if name in columns))
    sizes = find_columns(columns, ("bytes",))
    kept = upstream(plan, stage.name, source)
    return [Survivors(planned, stage.views[source], kept, written, sizes) for planned in plan.of(source)]


def _staged_before(run: Run, of: Subject, staging: Place, names: list[str]) -> dict[str, WrittenFile]:
    """The files that an earlier run finished and that are still as it wrote them."""
    staged = find_staged(staging, names)
    units = [Unit(file.path, CheckTask(staging, file), max(file.bytes, 1), of=(of,)) for file in staged]
    whole = run.map("check", is_whole, units, more=True)
    found = {file.path: file for file, good in zip(staged, whole, strict=True) if good}
    rows = sum(file.rows for file in found.values())
    run.emit(CacheChecked(of, "file", len(found), len(names) - len(found), kept=rows if found else None))
    return found


def _scattered(
    run: Run,
    of: Subject,
    survivors: list[Survivors],
    sizes: list[int],
    layout: Layout,
    output: Output,
    files: int,
    staged: Place,
) -> Tables:
    """All survivors by the output file that they go to."""
    size = scatter_bytes(sizes, run.executor.slots)
    batches = list(in_batches(sizes, size))
    target = Tables.create(
        staged / f"scattered-{size}",  # another run may batch shards otherwise, with another number of slots
        scattered_schema(layout),
        partitions=files,
        writers=len(batches),
        block_bytes=BLOCK_BYTES,
    )
    before = [0, *accumulate(sizes)]
    tasks = [
        ScatterTask(number, tuple((survivors[n], n, before[n]) for n in batch), layout, output, target)
        for number, batch in enumerate(batches)
    ]
    run.map("scatter", scatter, [_scatter_unit(task, of, sizes) for task in tasks], more=True)
    return target


def scatter_bytes(sizes: list[int], slots: int) -> int:
    """Text bytes that one unit scatters, about: few files to gather from, and work for every slot."""
    return min(SCATTER_BYTES, sum(sizes) // (4 * slots))


def in_batches(sizes: list[int], wanted: int) -> Iterator[range]:
    """Consecutive shards, by number, of together just more than the bytes wanted."""
    for start, stop, _ in cuts(np.array(sizes, np.int64), wanted + 1):
        yield range(start, stop)


def _scatter_unit(task: ScatterTask, of: Subject, sizes: list[int]) -> Unit[ScatterTask]:
    first, start, _ = task.survivors[0]
    count = len(task.survivors)
    name = first.planned.name if count == 1 else f"{first.planned.name} and {count - 1} more"
    return Unit(name, task, max(sum(sizes[start : start + count]), 1), of=(of,))


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
