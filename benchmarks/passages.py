"""Repeated passages at scale: time, memory and disk of the verb `passages` from one gigabyte of text on, and the fit.

    python benchmarks/passages.py --gigabytes 1 3 10 --work DIR

Texts are synthetic (see synthetic_passages.py) and made when they are read; everything after is what a run does: the
same units, executor and files. A ninth of the text is copies.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import Sheet, report
from scale import MB, TimedUnits, Watch
from synthetic_passages import DOCUMENT, expected, shards

from refinery.dedup.passage_settings import Settings
from refinery.dedup.passages import Passages
from refinery.executors.local import local


@dataclass(frozen=True)
class Measured:
    """One size: seconds by step, peaks in bytes, characters that were cut."""

    bytes: int
    seconds: dict[str, float]
    driver: int
    worker: int
    disk: int
    cut: int


def measure(gigabytes: float, settings: Settings, work: Path, workers: int) -> Measured:
    """Cuts the passages of so much text."""
    documents = round(gigabytes * 1e9 / DOCUMENT)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    executor = local(workers)
    watch = Watch(work)
    map_units = TimedUnits(executor, watch)
    try:
        with watch.running():
            outcome = Passages(settings).run(shards(documents), map_units, work)
        assert outcome.spans
        spans = (outcome.spans.read(number) for number in range(outcome.spans.partitions))
        cut = sum(int(found["characters"].sum()) for found in spans)
        size = documents * DOCUMENT
        return Measured(size, map_units.seconds, watch.driver, watch.worker, watch.disk, cut)
    finally:
        executor.close()
        shutil.rmtree(work, ignore_errors=True)


def tables(found: Sequence[Measured]) -> list[Sheet]:
    """The sizes side by side, their steps, and lines through them."""
    rows = [
        (
            m.bytes / 1e9,
            sum(m.seconds.values()),
            m.bytes / MB / sum(m.seconds.values()),
            m.driver / MB,
            m.worker / MB,
            m.disk / MB,
            f"{100 * m.cut / m.bytes:.2f} %",
            f"{100 * m.cut / expected(m.bytes // DOCUMENT):.2f} %",
        )
        for m in found
    ]
    columns = ("GB", "s", "MB/s", "driver MB", "worker MB", "disk MB", "cut", "of the copies")
    steps = list(dict.fromkeys(step for m in found for step in m.seconds))
    by_step = [(step, *(m.seconds.get(step, 0.0) for m in found)) for step in steps]
    sheets = [
        Sheet("Repeated passages", columns, rows, ("Peaks of resident memory of one process, sampled.",)),
        Sheet("Seconds by step", ("step", *(f"{m.bytes / 1e9:.3g} GB" for m in found)), by_step),
    ]
    if len(found) > 1:
        size = np.array([m.bytes for m in found]) / 1e9
        terms = np.stack([np.ones_like(size), size], 1)
        root = np.stack([np.ones_like(size), np.sqrt(size)], 1)
        wanted = (
            ("seconds", "a + b GB", terms, [sum(m.seconds.values()) for m in found]),
            ("disk MB", "a + b GB", terms, [m.disk / MB for m in found]),
            ("worker MB", "a + b sqrt GB", root, [m.worker / MB for m in found]),
        )
        fits = [
            (what, form, *np.linalg.lstsq(t, np.array(v), rcond=None)[0].tolist())
            for what, form, t, v in wanted
        ]
        sheets.append(Sheet("Fit", ("what", "form", "a", "b"), fits))
    return sheets


def main() -> None:
    """Measures the sizes and prints tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--gigabytes", nargs="*", type=float, default=[1, 3, 10])
    parser.add_argument("--characters", type=int, default=200)
    parser.add_argument("--work", type=Path, default=Path("passages-work"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="also as JSON; - for standard output alone")
    options = parser.parse_args()
    settings = Settings(characters=options.characters)
    found = [measure(size, settings, options.work, options.workers) for size in options.gigabytes]
    report("Repeated passages at scale", tables(found), options.json)


if __name__ == "__main__":
    main()
