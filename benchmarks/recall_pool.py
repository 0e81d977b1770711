"""`refinery recall` over a large pool, end to end, beside datatrove's fastText filter on a part of the same files.

    python benchmarks/recall_pool.py TOPIC --gigabytes 10 --work DIR

TOPIC is one as of recall.py. Fifty of its documents are the seeds; the pool has none of them, and the rest of the
topic and the other documents again and again with changed words (see changed_copies.py), in files of some 256 MB of
text. The run is the command's, from its start to its end: it measures the pool, draws a sample, makes a round,
scores every document, removes duplicates and writes. datatrove reads and writes Parquet with as many workers; its
filter's model, fastText's of words and pairs, is trained before, untimed, on the same seeds and a random draw of the
pool. So refinery finds its model in the time that is compared, and datatrove is given one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
from changed_copies import Pool, make_pool
from harness import Sheet, number, report
from peers import LABELS, SKIPPED, Environments, relevance_model
from threshold import Timed, by_phase, timed
from whole_runs import REFINERY, Watched, watch

from recall import topic_documents

MB = 1e6
WORKER = Path(__file__).with_name("fasttext_filter_worker.py")
EXAMPLES = 1000  # of each label, for fastText: seeds are repeated


@dataclass(frozen=True)
class Filtered:
    """A filter's work on some files: bytes of text, seconds, documents of the pool kept, those of the topic, all."""

    name: str
    bytes: int
    seconds: float
    kept: int
    right: int
    of_topic: int

    @property
    def speed(self) -> float:
        """MB/s."""
        return self.bytes / MB / self.seconds


def by_recall(pool: Pool, seeds: Path, folder: Path, workers: int) -> tuple[Filtered, Timed, Watched]:
    """The command, from nothing."""
    command = [str(REFINERY), "recall", *map(str, pool.files), "--seeds", str(seeds), "--out", str(folder)]
    ran = watch([*command, "--workers", str(workers)])
    output = folder / "recalled"
    kept, right = _kept(pl.scan_parquet(output / "*.parquet").drop_nulls("of_topic"))  # without the seeds
    return (
        Filtered("refinery recall", pool.bytes, ran.seconds, kept, right, pool.of_topic),
        timed(output, ran.seconds),
        ran,
    )


def by_datatrove(
    python: Path, files: Sequence[Path], seeds: Path, folder: Path, workers: int, buckets: int
) -> Filtered:
    """FastTextClassifierFilter on files of the pool, with a model that is trained before."""
    part = pl.scan_parquet(files)
    counts = part.select(size=pl.col("text").str.len_bytes().sum(), of_topic=pl.col("of_topic").sum())
    told = counts.collect().row(0, named=True)
    drawn = pl.read_parquet(files[0], columns=["text"])
    drawn = drawn.sample(min(EXAMPLES, len(drawn)), seed=1)
    positive = pl.read_parquet(seeds)
    positive = pl.concat([positive] * -(-len(drawn) // len(positive))).head(len(drawn))
    folder.mkdir()
    text = pl.concat([positive, drawn])["text"].to_arrow().cast(pa.large_string())
    model = relevance_model(folder, pa.chunked_array([text]), bucket=buckets)
    command = [str(python), str(WORKER), str(model), LABELS[1], str(folder / "kept"), str(workers)]
    caches = {"HF_ASSETS_CACHE": str(folder / "cache")}
    command += map(str, files)
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **caches})
    if done.returncode:
        sys.exit(f"datatrove failed:\n{done.stderr[-2000:]}")
    seconds = json.loads(done.stdout.splitlines()[-1])["seconds"]
    written = sorted((folder / "kept").glob("*.parquet"))
    kept, right = _kept(pl.scan_parquet(written)) if written else (0, 0)
    name = "datatrove FastTextClassifierFilter"
    return Filtered(name, told["size"], seconds, kept, right, told["of_topic"])


def _kept(found: pl.LazyFrame) -> tuple[int, int]:
    """Documents, and those of the topic."""
    kept, right = found.select(pl.len(), pl.col("of_topic").sum()).collect().row(0)
    return int(kept), int(right)


def compared(found: Sequence[Filtered]) -> Sheet:
    """Speeds and what was kept, side by side; the first one's ratio to each."""
    rows = [
        (
            one.name, one.bytes / 1e9, one.seconds, one.speed, found[0].speed / one.speed, one.kept,
            one.right / max(one.kept, 1), one.right / max(one.of_topic, 1),
        )
        for one in found
    ]  # fmt: skip
    columns = ("filter", "GB", "s", "MB/s", "recall / this", "kept", "precision", "recall")
    notes = ("precision, recall: true ones of what is written; duplicates that were removed are not found",)
    return Sheet("Side by side", columns, rows, notes)


def phases(found: Timed, size: int) -> Sheet:
    """The phases of the run with the text of the pool a second."""
    sheet = by_phase("Seconds by phase", found)
    rows = [(name, took, size / MB / took if took else None) for name, took in sheet.rows]
    return Sheet(sheet.title, (*sheet.columns, "MB/s of the pool"), rows, sheet.notes)


def memory(ran: Watched) -> Sheet:
    """Peaks of all processes of the run."""
    others = sorted((size for pid, size in ran.peaks.items() if pid != ran.process), reverse=True)
    rows = [("driver", ran.peaks[ran.process] / MB), *(("below it", size / MB) for size in others)]
    return Sheet("Peaks of resident memory, sampled", ("process", "MB"), rows)


def benchmark(folder: Path, options: argparse.Namespace) -> list[Sheet]:
    """Makes seeds and pool, recalls, filters a part."""
    name, table = options.topic.partition("=")[0], topic_documents(options.topic)
    table = table.sample(fraction=1, shuffle=True, seed=1)
    positive = table.filter("hit")
    seeds, pool_folder = folder / "seeds.parquet", folder / "pool"
    positive.head(options.seeds).select("text").write_parquet(seeds)
    left = pl.concat([positive.tail(-options.seeds), table.filter(~pl.col("hit"))])
    for made in ("pool", "recalled", "filtered"):
        shutil.rmtree(folder / made, ignore_errors=True)
    started = time.perf_counter()
    pool = make_pool(pool_folder, left, options.share, options.gigabytes * 1e9)
    took = time.perf_counter() - started
    print(f"a pool of {pool.bytes / 1e9:.2f} GB made in {took:.0f} s", file=sys.stderr, flush=True)
    recalled, run, ran = by_recall(pool, seeds, folder / "recalled", options.workers)
    found, environments = [recalled], Environments(options.cache, options.here)
    notes: tuple[str, ...] = ()
    if environments.has("datatrove"):
        files = pool.files[: options.part]
        python = environments.python("datatrove")
        where = folder / "filtered"
        found.append(by_datatrove(python, files, seeds, where, options.workers, options.buckets))
    else:
        notes = (f"datatrove {SKIPPED}; without --here it gets an environment of its own",)
    about = (
        (f"documents of the topic {name}", pool.of_topic),
        ("documents of the pool", pool.documents),
        ("different documents of which it was made", len(left)),
        ("files", len(pool.files)),
        ("MB on disk", sum(file.stat().st_size for file in pool.files) / MB),
        ("seconds to make it", took),
    )
    side = compared(found)
    return [
        Sheet("The pool", ("what", "number"), about),
        Sheet(side.title, side.columns, side.rows, (*side.notes, *notes)),
        phases(run, pool.bytes),
        memory(ran),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("--gigabytes", type=float, default=1, help="of the pool's text")
    parser.add_argument("--share", type=float, default=0.05, help="of the topic in the pool, of documents")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--part", type=int, default=2, help="files of the pool that datatrove filters")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--work", type=Path, help="folder for pool and runs, kept (default: a temporary one)")
    parser.add_argument("--here", action="store_true", help="datatrove of this environment, or none")
    parser.add_argument("--buckets", type=int, default=500_000, help="of fastText's n-grams")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "refinery-benchmarks")
    parser.add_argument("--json", metavar="FILE", help="also as JSON; - for standard output alone")
    options = parser.parse_args()
    folder = (options.work or Path(tempfile.mkdtemp(prefix="refinery-recall-pool-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        sheets = benchmark(folder, options)
    finally:
        if options.work is None:
            shutil.rmtree(folder)
    heading = f"Recall over {number(options.gigabytes)} GB, {options.workers} workers"
    report(heading, sheets, options.json)


if __name__ == "__main__":
    main()
