"""Documents a second on one and more processors, local and on Ray, and what an executor costs by itself.

    python benchmarks/scaling.py POOL/medical-en.yaml --copies 5 --repeats 3

The definition's sources are copied `--copies` times with the words of each document in another order, so that nothing
is a duplicate of its copy. Every run is a process of its own that starts from nothing, the kernels compiled before,
on Ray with a cluster that was started for it (outside the clock); kinds of runs alternate. A run on 300 documents
tells what start, plan and stop cost; it is subtracted for the ratios.
The numbers of workers are powers of two up to the machine's processors, or to `--most`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from harness import Sheet, Spread, machine, report
from whole_runs import Outcome, Variant, ray_cluster, run

from refinery.executors.base import Executor, Unit, run_units
from refinery.sources.documents import SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

SHARDS_A_COPY = 8


def shuffled(text: str, seed: str) -> str:
    """The same words (characters where there are few spaces) in another order."""
    between = " " if text.count(" ") > len(text) / 20 else ""
    pieces = text.split(between) if between else list(text)
    random.Random(seed).shuffle(pieces)
    return between.join(pieces)


def write_copies(definition: Path, content: dict[str, Any], folder: Path, copies: int) -> tuple[int, int]:
    """Writes every source as Parquet, copied; gives documents and bytes of text."""
    documents = size = 0
    for name, source in content["sources"].items():
        spec = SourceSpec(name=name, path=(str(definition.parent / source["path"]),))
        texts = [
            text
            for shard in list_shards(spec).shards
            for batch in read_documents(shard, spec)
            for text in batch.text.to_pylist()
        ]
        (folder / name).mkdir(parents=True)
        for copy in range(copies):
            changed = [shuffled(text, f"{copy} {n}") if copy else text for n, text in enumerate(texts)]
            for part in range(SHARDS_A_COPY):
                rows = range(part, len(changed), SHARDS_A_COPY)
                mine = [changed[n] for n in rows]
                table = pa.table(
                    {"id": [f"{copy}-{n}" for n in rows], "text": pa.array(mine, pa.large_string())}
                )
                pq.write_table(table, folder / name / f"{copy:03}-{part:02}.parquet")
                documents += len(mine)
                size += sum(len(text.encode()) for text in mine)
    return documents, size


def write_little(folder: Path, full: Path) -> None:
    """300 documents of each source in as many shards, for a run that starts every worker and does next to nothing."""
    for source in full.iterdir():
        (folder / source.name).mkdir(parents=True)
        few = pq.read_table(sorted(source.iterdir())[0]).slice(0, 300)
        for part in range(SHARDS_A_COPY):
            mine = few.take(pa.array(range(part, len(few), SHARDS_A_COPY)))
            pq.write_table(mine, folder / source.name / f"{part:02}.parquet")


def variants(most: int) -> Iterator[Variant]:
    """1, 2, 4 ... local workers, then as many Ray nodes of one processor."""
    counts = [1 << power for power in range(most.bit_length()) if 1 << power <= most]
    for count in counts:
        yield Variant(f"local, {count}", workers=count)
    for count in counts:
        yield Variant(f"Ray, {count}", nodes=count)


def pointed_at(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The definition reading the copies."""
    return {
        **content,
        "sources": {name: {"path": f"{folder}/{name}/*.parquet"} for name in content["sources"]},
    }


def throughput(
    rows: dict[str, list[Outcome]], fixed: dict[str, list[Outcome]], documents: int, size: int
) -> Sheet:
    """One line a variant; what a run on next to nothing takes is told and subtracted for the ratios."""
    start = {name: Spread.of([one.seconds for one in found]) for name, found in fixed.items()}
    work = {
        name: Spread.of([max(one.seconds - start[name].median, 1e-9) for one in found])
        for name, found in rows.items()
    }
    base = next(iter(work.values())).median
    lines = []
    for name, found in rows.items():
        seconds, kind, count = Spread.of([one.seconds for one in found]), *name.split(", ")
        local = work.get(f"local, {count}")
        lines.append(
            (
                name, seconds, start[name], round(documents / work[name].median),
                size / work[name].median / 1e6, base / work[name].median,
                work[name].median / local.median if local and kind == "Ray" else None,
                found[0].data[:12],
            )
        )  # fmt: skip
    columns = ("workers", "seconds", "of them fixed", "documents/s", "MB/s", "times one local worker",
               "Ray / local", "SHA-256 of the data")  # fmt: skip
    notes = (
        f"{documents:,} documents, {size / 1e6:.0f} MB of text; rates and ratios without the fixed part",
        "fixed: the same definition on 300 documents a source (start, plan, stop)",
    )
    return Sheet("Scaling: whole runs from nothing", columns, lines, notes)


def overhead(name: str, make: Callable[[], Executor], count: int, repeats: int) -> tuple[object, ...]:
    """Microseconds a trivial unit, the executor started before."""
    executor = make()
    try:
        run_units(executor, abs, [Unit(f"n{n}", n) for n in range(16)])
        units = [Unit(f"n{n}", n) for n in range(count)]
        found = []
        for _ in range(repeats):
            started = time.perf_counter()
            run_units(executor, abs, units)
            found.append((time.perf_counter() - started) / count * 1e6)
    finally:
        executor.close()
    return name, Spread.of(found)


def overheads(count: int, repeats: int) -> Sheet:
    """The driver's loop on each executor."""
    from refinery.executors.choose import on_ray
    from refinery.executors.local import local

    rows = [
        overhead("in process", lambda: local(1), count, repeats),
        overhead("pool of 2", lambda: local(2), count, repeats),
    ]
    with ray_cluster(2) as address:
        rows.append(overhead("Ray, 2 nodes", lambda: on_ray(None, address), count, repeats))
    return Sheet(f"Overhead: {count:,} units that do nothing", ("executor", "microseconds a unit"), rows)


def measured(
    definition: Path, content: dict[str, Any], kinds: Sequence[Variant], scratch: Path, repeats: int
) -> dict[str, list[Outcome]]:
    """Outcomes of alternating runs, by variant."""
    found: dict[str, list[Outcome]] = {variant.name: [] for variant in kinds}
    for repeat in range(repeats):
        for variant in kinds:
            folder = scratch / "run"
            found[variant.name].append(run(definition, content, variant, str(folder)))
            shutil.rmtree(folder)
            print(f"{repeat + 1} {variant.name}: {found[variant.name][-1].seconds:.1f} s", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("definition", type=Path)
    parser.add_argument("--copies", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--most", type=int, default=len(os.sched_getaffinity(0)), help="workers or nodes")
    parser.add_argument("--units", type=int, default=10_000, help="that do nothing, for the overhead")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    definition = options.definition.resolve()
    content = yaml.safe_load(definition.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="scaling-") as made:
        scratch = Path(made)
        documents, size = write_copies(definition, content, scratch / "full", options.copies)
        write_little(scratch / "little", scratch / "full")
        kinds = list(variants(options.most))
        small, full = (pointed_at(content, scratch / name) for name in ("little", "full"))
        measured(definition, small, kinds[:1], scratch, 1)  # compiles the kernels
        fixed = measured(definition, small, kinds, scratch, options.repeats)
        rows = measured(definition, full, kinds, scratch, options.repeats)
    sheets = [throughput(rows, fixed, documents, size), overheads(options.units, options.repeats)]
    report(f"refinery scaling, {machine()}", sheets, options.json)
    sys.exit(len({one.data for found in rows.values() for one in found}) != 1)


if __name__ == "__main__":
    main()
