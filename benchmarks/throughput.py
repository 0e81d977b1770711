"""Speed of every measurer and of the whole measure pass on one core; start-up; memory on large shards.

    python benchmarks/throughput.py DATA... [--limit N] [--repeats 5] [--memory] [--warm]

DATA are Parquet files or folders with a `text` column. Kernels are timed on text in memory, in batches of 8 MiB;
the pass reads Parquet (zstd, row groups of 32 MiB of text) and writes measurements, both on the local disk.
`--memory` writes three large files and takes minutes: 2.2 GB of text (the documents again and again, each with a
number of its own in front) in row groups of 64 MiB and in a single row group, and a single row group of a few
documents repeated exactly, which a dictionary makes small on disk and 2.2 GB once read. `--warm` leaves out what
takes minutes otherwise: starts with nothing compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import refinery_jobs
from harness import Sheet, Spread, documents, pin_to_one_core, repeat, report, text_bytes
from peers import relevance_model

from refinery.definition.trainings import TopicTraining
from refinery.filters.measurer import Measurer
from refinery.filters.registry import measurer
from refinery.models.ngram import MODEL as NGRAMS
from refinery.models.ngram_fit import count_in_memory
from refinery.models.topics import MODEL, fit
from refinery.text.batch import TextBatch
from refinery.text.prepare import prepare

WORKER = Path(__file__).with_name("measure_worker.py")
MIB = 2**20


def kernels(text: pa.ChunkedArray, model: str, repeats: int) -> tuple[Sheet, float]:
    """MB/s and documents/s of each measurer and of the pipeline's together; also the latter's bytes per second."""
    parts = refinery_jobs.batches(text.combine_chunks())
    size = text_bytes(text)
    every: dict[str, Measurer | None] = dict(refinery_jobs.measurers(model))
    rows: list[tuple[object, ...]] = []
    every["all, fused"] = None
    beside: dict[str, Measurer] = {
        f"terms, {pack}": measurer("terms", {"pack": pack})
        for pack in ("medical-en", "law-zh", "zh-gambling")
    }
    beside["cross_entropy"] = cross_entropy(text)
    clusters = min(100, len(text) // 4)
    beside[f"topic, {clusters} clusters"] = topics_of(parts, clusters)
    for name, one in {**beside, **every}.items():
        chosen = [one] if one else [other for other in every.values() if other]
        spread = repeat(partial(refinery_jobs.measure, chosen, parts), repeats)
        speeds = Spread.of([size / 1e6 / spread.high, size / 1e6 / spread.median, size / 1e6 / spread.low])
        rows.append((name, speeds, len(text) / spread.median, spread.median))
    title = f"Kernels on text in memory: {len(text):,} documents, {size / 1e6:,.1f} MB"
    columns = ("measurer", "MB/s, median (lowest … highest)", "documents/s", "seconds")
    return Sheet(title, columns, rows), size / float(str(rows[-1][3]))


def cross_entropy(text: pa.ChunkedArray) -> Measurer:
    """The measurer `cross_entropy` with n-gram models of the documents' two halves."""
    half = len(text) // 2
    halves = [prepare(TextBatch.from_arrow(part.combine_chunks())) for part in (text[:half], text[half:])]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NGRAMS
        file.write_bytes(count_in_memory(halves, order=5, least=2))
        return measurer("cross_entropy", {"model": {"file": str(file)}})  # it has been read


def topics_of(parts: list[TextBatch], clusters: int) -> Measurer:
    """The measurer `topic` with a model of the documents that it measures."""
    every = pa.concat_arrays([part.to_arrow() for part in parts])
    training = TopicTraining.model_validate({"from": "sample", "clusters": clusters})
    model, _, _ = fit(prepare(TextBatch.from_arrow(every)), training)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / MODEL
        file.write_bytes(model.content())
        return measurer("topic", {"model": {"file": str(file)}})  # it has been read


def run_worker(
    folder: Path, source: Path, model: str, settings: dict[str, str] | None = None, passes: int = 1
) -> dict[str, Any]:
    """Measure passes over a file in a process of its own, each from nothing measured."""
    definition = refinery_jobs.definition(folder, str(source), model)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        command = [sys.executable, str(WORKER), str(definition), work, str(time.time()), str(passes)]
        environment = {**os.environ, **(settings or {})}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the measure pass over {source} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def from_disk(folder: Path, text: pa.ChunkedArray, model: str, in_memory: float, repeats: int) -> Sheet:
    """The measure pass, Parquet to Parquet, beside its kernels on text in memory."""
    file = folder / "documents.parquet"
    write(file, iter([pa.table({"text": text})]), 32 * MIB)
    found = run_worker(folder, file, model, passes=repeats + 1)
    speeds = Spread.of([found["bytes"] / s for s in found["seconds"][1:]])  # the first one warms up
    rows: list[tuple[object, ...]] = [
        ("kernels, text in memory", round(in_memory / 1e6, 2), 1.0),
        ("measure pass, disk to disk", round(speeds.median / 1e6, 2), round(speeds.median / in_memory, 3)),
    ]
    note = f"the pass: {speeds.low / 1e6:.1f} … {speeds.high / 1e6:.1f} MB/s over {repeats} runs"
    return Sheet("The measure pass", ("what", "MB/s", "share"), rows, (note,))


def start_up(folder: Path, text: pa.ChunkedArray, model: str, *, warm: bool) -> Sheet:
    """Seconds to the first measured shard (a small one) and of a whole run, all cached and, if not warm, nothing."""
    file = folder / "small.parquet"
    write(file, iter([pa.table({"text": text.slice(0, 20)})]), 32 * MIB)
    with kernel_cache(folder, warm) as settings:
        found = [run_worker(folder, file, model, settings) for _ in range(1 if warm else 6)]
    with kernel_cache(folder, warm) as settings:
        runs = [whole_run(folder, file, model, settings) for _ in range(1 if warm else 2)]
    wall, cpu = ([one[name] for one in found] for name in ("first_shard", "first_shard_cpu"))
    cold = 0 if warm else 1
    cached, least = Spread.of(wall[cold:]), min(cpu[cold:])
    rows: list[tuple[object, ...]] = [("process start to first shard, kernels cached", cached, least)]
    rows.append(("a whole run, kernels cached", *runs[-1]))
    if not warm:
        rows.append(("process start to first shard, nothing compiled", wall[0], cpu[0]))
        rows.append(("compilation for the measure pass", wall[0] - cached.median, cpu[0] - least))
        rows.append(("compilation in a whole run", runs[0][0] - runs[1][0], runs[0][1] - runs[1][1]))
    columns = ("what", "seconds", "processor seconds")
    return Sheet("Start-up", columns, rows, ("processor seconds do not grow when the machine is shared",))


@contextmanager
def kernel_cache(folder: Path, warm: bool) -> Iterator[dict[str, str]]:
    """The environment of processes that share an empty cache of kernels, or use the one there is."""
    if warm:
        yield {}
        return
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        yield {"NUMBA_CACHE_DIR": cache}


def whole_run(folder: Path, file: Path, model: str, settings: dict[str, str]) -> tuple[float, float]:
    """(wall, processor) seconds of `refinery run`."""
    with tempfile.TemporaryDirectory(dir=folder) as base:
        definition = refinery_jobs.definition(Path(base), str(file), model)
        code = "from refinery.cli import main; main()"
        command = [sys.executable, "-c", code, "run", str(definition), "--workers", "1", "--quiet"]
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env={**os.environ, **settings}, check=True)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def memory(folder: Path, text: pa.ChunkedArray, model: str, size: int) -> Sheet:
    """Peak memory of the process that measures a large file."""
    rows: list[tuple[object, ...]] = []
    small = folder / "small.parquet"
    base = run_worker(folder, small, model)["peak_rss"]
    rows.append(("20 documents", 0.0, None, base / MIB, None, None))
    cases = (
        ("real text, row groups of 64 MiB", numbered(text, size), 64 * MIB),
        ("real text, one row group", numbered(text, size), None),
        ("few documents by dictionary, one row group", repeated(text, size), None),
    )
    for name, tables, row_group in cases:
        file = folder / "large.parquet"
        write(file, tables, row_group)
        found = run_worker(folder, file, model)
        speed = found["bytes"] / found["seconds"][0] / 1e6
        on_disk = file.stat().st_size / 1e6
        rows.append((name, found["bytes"] / 1e9, on_disk, found["peak_rss"] / MIB, speed, found["shards"]))
        file.unlink()
    columns = ("shard", "GB of text", "MB on disk", "peak RSS MiB", "MB/s", "shards")
    return Sheet("Memory of a worker", columns, rows)


def numbered(text: pa.ChunkedArray, size: int) -> Iterator[pa.Table]:
    """The documents again and again, a number in front of each, so that no two are equal."""
    rounds = -(-size // text_bytes(text))
    for number in range(rounds):
        prefix = pa.scalar(f"{number} ", pa.large_string())
        yield pa.table({"text": pc.binary_join_element_wise(prefix, text, pa.scalar("", pa.large_string()))})


def repeated(text: pa.ChunkedArray, size: int) -> Iterator[pa.Table]:
    """A few long documents over and over: small on disk, since Parquet keeps each once."""
    few = text.take(
        pa.compute.sort_indices(pa.compute.binary_length(text), sort_keys=[("", "descending")])[:4]
    )
    chunk = pa.concat_arrays([few.combine_chunks()] * 100)
    for _ in range(-(-size // text_bytes(chunk))):
        yield pa.table({"text": chunk})


def write(file: Path, tables: Iterator[pa.Table], row_group_bytes: int | None) -> None:
    """A Parquet file with row groups of about that much text, or with a single one (held in memory here)."""
    schema = pa.schema([("text", pa.large_string())])
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=True) as writer:
        if row_group_bytes is None:
            whole = pa.concat_tables(list(tables))
            writer.write_table(whole.cast(schema), row_group_size=len(whole))
            return
        for table in tables:
            rows = max(1, int(len(table) * row_group_bytes / max(text_bytes(table["text"]), 1)))
            writer.write_table(table.cast(schema), row_group_size=rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed, start-up and memory of the measure pass, one core.")
    parser.add_argument("data", nargs="+", help="Parquet files or folders with a `text` column")
    parser.add_argument("--limit", type=int, help="documents taken, evenly")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="also measure large shards")
    parser.add_argument("--memory-bytes", type=int, default=2_200_000_000, help="text in a large shard")
    parser.add_argument("--warm", action="store_true", help="no start with nothing compiled")
    parser.add_argument("--buckets", type=int, default=500_000, help="of the classifier's n-grams")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "refinery-benchmarks")
    parser.add_argument("--json", metavar="FILE", help="also write the tables as JSON")
    options = parser.parse_args()
    pin_to_one_core()
    options.cache.mkdir(parents=True, exist_ok=True)
    text = documents(options.data, options.limit)
    model = str(relevance_model(options.cache, text, bucket=options.buckets))
    with tempfile.TemporaryDirectory(prefix="refinery-throughput-", dir=options.cache) as name:
        folder = Path(name)
        speeds, in_memory = kernels(text, model, options.repeats)
        sheets = [
            speeds,
            from_disk(folder, text, model, in_memory, options.repeats),
            start_up(folder, text, model, warm=options.warm),
        ]
        if options.memory:
            sheets.append(memory(folder, text, model, options.memory_bytes))
    report("Throughput of refinery, one core", sheets, options.json)


if __name__ == "__main__":
    main()
