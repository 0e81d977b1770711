"""Cutting an output into files and writing them; files staged by a run that was killed are taken over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from refinery.dedup.split import split_names
from refinery.definition.outputs import Output
from refinery.executors.base import Unit
from refinery.run.kinds import Kinds, total
from refinery.run.layout import Layout, make_layout
from refinery.run.repeats import repeats_key
from refinery.run.survivors import Extent, Survivors, extent_of, survivors_of
from refinery.run.write import (
    GatherTask,
    ScatterTask,
    WriteTask,
    file_key,
    gather,
    has_leading,
    scatter,
    scattered_schema,
    write_file,
)
from refinery.run.written_before import CheckTask, find_staged, find_unchanged, is_whole
from refinery.shuffle.records import Tables
from refinery.storage.arrow_bytes import cuts
from refinery.storage.place import Place
from refinery.storage.write import WrittenFile
from refinery.watch.events import CacheChecked, Count, Subject

SCATTER_BYTES = 2**30  # of text that one unit scatters at most, while they are no more than SCATTER_UNITS
SCATTER_UNITS = (
    512  # each output file is gathered from as many files: by this bound, reads follow the files alone
)
BLOCK_BYTES = 2**27  # of rows that are scattered together; each output file has a part of a block
# Text that is read to text that is left, and workers to files, from which on all workers read before few write.
LITTLE = 4
OPENED_BYTES = 2**20  # of text that is read in the time that a shard's files take to open

if TYPE_CHECKING:
    import pyarrow as pa

    from refinery.run.context import Run


@dataclass(frozen=True)
class Written:
    """All that was written of an output, in order; keys: of the files that have one, by name.

    sequences: of token ids, those files that say which sequence is which document; kinds, arrived: by source and
    column, documents of each licence and language that are written, and that were read.
    """

    layout: Layout
    files: tuple[WrittenFile, ...]
    keys: dict[str, str]
    sequences: tuple[WrittenFile, ...]
    kinds: dict[str, dict[str, Kinds]]
    arrived: dict[str, dict[str, Kinds]]


def write_output(run: Run, name: str, carried: pa.Schema, id_type: pa.DataType, staged: Place) -> Written:
    """Writes every file of an output into the staging folder.

    What the run before wrote and what would be the same now stays where it is.
    """
    plan = run.plan
    stage, output = plan.graph.stage_of(name), plan.graph.outputs[name]
    counted = repeats_key(plan, stage) if output.repeats == "counts" else ""
    layout = make_layout(output, stage, carried, id_type, plan.graph.tokens.get(name), counted)
    survivors = [
        s for source in stage.sources for s in survivors_of(plan, output, stage, source, layout.measured)
    ]
    of = Subject("output", name)
    extents = _lay_out(run, of, survivors)
    kinds = _by_source(survivors, [extent.kinds for extent in extents])
    arrived = _by_source(survivors, [extent.arrived for extent in extents])
    if output.shuffle is None:
        survivors, extents = _in_turns(run, of, survivors, extents)
    sizes = [extent.bytes for extent in extents]
    counts = _file_counts(output, extents)
    names, files, total = list(_names(output, counts)), sum(counts), sum(sizes)
    work = sum(extent.read for extent in extents) + OPENED_BYTES * len(survivors)
    few = LITTLE * files <= min(run.executor.slots, len(survivors)) and LITTLE * total < work
    cut: list[WriteTask] = []
    if output.shuffle is None and not output.split and not has_leading(layout, output, counts):
        cut = _cut(survivors, sizes, names, layout, output, staged)
    digests = {one.part: extent.digest for one, extent in zip(survivors, extents, strict=True)}
    keys = {task.name: file_key(task, digests) for task in cut if not layout.tokens}
    every = [file for one in names for file in layout.files(one)]
    known = _written_before(run, of, plan.graph.output_paths[name], staged, every, keys)

    def write(
        function: Callable[[Any], tuple[WrittenFile, ...]], tasks: Sequence[WriteTask | GatherTask]
    ) -> None:
        left = [task for task in tasks if not known.keys() >= set(layout.files(task.name))]
        units = [Unit(task.name, task, max(total // files, 1), of=(of,)) for task in left]
        made = run.map(
            "write",
            function,
            units,
            documents=lambda written: written[0].rows,
            counts=lambda _, written: [Count(of, kept=written[0].rows)],
        )
        known.update((file.path, file) for written in made for file in written)

    if cut and not few:
        write(write_file, cut)
    elif len(known) < len(every):
        with _scattered(run, of, survivors, extents, layout, output, counts, staged) as scattered:
            places = [(split, n == 0) for split, count in enumerate(counts) for n in range(count)]
            tasks = [
                GatherTask(scattered, n, *place, counts, layout, output, name, staged)
                for n, (name, place) in enumerate(zip(names, places, strict=True))
            ]
            write(gather, tasks)
    found = [[known[file] for file in layout.files(one)] for one in names if known[one].rows]
    data = 2 if layout.tokens else 1  # files of documents, the rest are records
    return Written(
        layout,
        tuple(file for one in found for file in one[:data]),
        keys,
        tuple(file for one in found for file in one[data:]),
        kinds,
        arrived,
    )


def _in_turns(
    run: Run, of: Subject, survivors: list[Survivors], extents: list[Extent]
) -> tuple[list[Survivors], list[Extent]]:
    """The shards again for each turn, as often as a document is written at most."""
    most = max((extent.most for extent in extents), default=0)
    if most < 2:
        return survivors, extents
    turns = [replace(one, turn=turn) for turn in range(most) for one in survivors]
    return turns, _lay_out(run, of, turns)


def _lay_out(run: Run, of: Subject, survivors: Sequence[Survivors]) -> list[Extent]:
    """How much of each shard, or of a turn of it, is written."""
    return run.map("lay out", extent_of, [Unit(s.planned.name, s, of=(of,)) for s in survivors], more=True)


def _by_source(
    survivors: Sequence[Survivors], counts: Sequence[Mapping[str, Kinds]]
) -> dict[str, dict[str, Kinds]]:
    found: dict[str, list[Mapping[str, Kinds]]] = {}
    for one, kinds in zip(survivors, counts, strict=True):
        found.setdefault(one.planned.spec.name, []).append(kinds)
    return {source: total(kinds) for source, kinds in found.items()}


def _file_counts(output: Output, extents: Sequence[Extent]) -> tuple[int, ...]:
    """How many files each split has; at least one."""
    totals = map(sum, zip(*(extent.splits for extent in extents), strict=True))
    return tuple(max(1, -(-total // output.shard_bytes)) for total in totals)


def _names(output: Output, counts: Sequence[int]) -> Iterator[str]:
    """The names of the files, of which each split has so many."""
    ending = "bin" if output.tokenize else "parquet" if output.format == "parquet" else "jsonl.zst"
    for split, count in zip(split_names(output.split) or ("",), counts, strict=True):
        for number in range(count):
            yield f"{f'data/{split}-{number:05}-of-{count:05}' if split else f'data-{number:05}'}.{ending}"


def _written_before(
    run: Run, of: Subject, folder: Place, staging: Place, names: list[str], keys: dict[str, str]
) -> dict[str, WrittenFile]:
    """The files that an earlier run wrote, staged for this output or in the one before, and that are as it did."""
    there = {
        file.path: file for file in (*find_unchanged(folder, keys), *find_staged(folder, staging, names))
    }
    units = [
        Unit(path, CheckTask(folder, staging, file), max(file.bytes, 1), of=(of,))
        for path, file in there.items()
    ]
    whole = run.map("check", is_whole, units, more=True)
    found = {path: file for (path, file), good in zip(there.items(), whole, strict=True) if good}
    rows = sum(file.rows for file in found.values())
    run.emit(CacheChecked(of, "file", len(found), len(names) - len(found), kept=rows if found else None))
    return found


def _scattered(
    run: Run,
    of: Subject,
    survivors: list[Survivors],
    extents: Sequence[Extent],
    layout: Layout,
    output: Output,
    files: tuple[int, ...],
    staged: Place,
) -> Tables:
    """All survivors by the output file that they go to."""
    sizes = [extent.bytes for extent in extents]
    size = scatter_bytes(sizes, run.executor.slots)
    batches = list(in_batches(sizes, size))
    target = Tables.create(
        staged / f"scattered-{size}",  # another run may batch shards otherwise, with another number of slots
        scattered_schema(layout),
        partitions=sum(files) + (len(files) if has_leading(layout, output, files) else 0),
        writers=len(batches),
        block_bytes=BLOCK_BYTES,
    )
    of_splits = zip(*(extent.splits for extent in extents), strict=True)
    before = list(zip(*([0, *accumulate(kept)] for kept in of_splits), strict=True))
    tasks = [
        ScatterTask(number, tuple((survivors[n], before[n]) for n in batch), layout, output, files, target)
        for number, batch in enumerate(batches)
    ]
    bytes_of = [sum(sizes[batch.start : batch.stop]) for batch in batches]
    units = [_scatter_unit(task, of, size) for task, size in zip(tasks, bytes_of, strict=True)]
    run.map("scatter", scatter, units, more=True)
    return target


def scatter_bytes(sizes: list[int], slots: int) -> int:
    """Text bytes that one unit scatters, about: few files to gather from, and work for every slot."""
    total = sum(sizes)
    return max(min(SCATTER_BYTES, total // (4 * slots)), total // SCATTER_UNITS)


def in_batches(sizes: list[int], wanted: int) -> Iterator[range]:
    """Consecutive shards, by number, of together just more than the bytes wanted."""
    for start, stop, _ in cuts(np.array(sizes, np.int64), wanted + 1):
        yield range(start, stop)


def _scatter_unit(task: ScatterTask, of: Subject, size: int) -> Unit[ScatterTask]:
    (first, _), count = task.survivors[0], len(task.survivors)
    name = first.planned.name if count == 1 else f"{first.planned.name} and {count - 1} more"
    weight = max(size, 1)
    return Unit(name, task, weight, memory=min(weight, 3 * BLOCK_BYTES), of=(of,))


def _cut(
    survivors: list[Survivors],
    sizes: list[int],
    names: list[str],
    layout: Layout,
    output: Output,
    staged: Place,
) -> list[WriteTask]:
    """One task a file, each with just the shards whose text lies in it."""
    before = [0, *accumulate(sizes)]  # text bytes that lie before each shard
    tasks = []
    for number, name in enumerate(names):
        last = number == len(names) - 1
        low = number * output.shard_bytes
        high = before[-1] + 1 if last else low + output.shard_bytes
        first = max(bisect_left(before, low) - 1, 0)
        mine = [(survivors[n], before[n]) for n in range(first, bisect_left(before, high, hi=len(sizes)))]
        tasks.append(WriteTask(tuple(mine), low, high, layout, output, name, staged))
    return tasks
