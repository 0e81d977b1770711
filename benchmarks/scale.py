"""Dedup and select at scale: time, memory and disk from one to thirty million documents, and what follows from them.

    python benchmarks/scale.py --documents 1 3 10 30 --work DIR

Signatures are synthetic (see synthetic.py), everything after them is what a run does: the same units, executor and
files. Needs some 0.7 kB of disk a document. Besides: a million documents in one bucket that are unlike, a million of
one signature, a hundred thousand pages of one template.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from harness import Sheet, number, report
from synthetic import BANDS, NEAR, Corpus, ShardUnit, expected, shards, write_ranked, write_shard

from refinery.dedup import outcomes
from refinery.dedup.run import dedup
from refinery.dedup.settings import Settings
from refinery.executors.base import Executor, Unit, run_units
from refinery.executors.local import local
from refinery.filters.verb import Outcome
from refinery.select.budget import find_cutoff, ranked_dtype
from refinery.shuffle.records import Records
from refinery.shuffle.units import MapUnits

MB = 1e6
SAMPLE_SECONDS = 0.05
DISK_EVERY = 4  # samples


@dataclass
class Watch:
    """Peaks while it runs: resident bytes of this process and of the largest child, bytes below a folder."""

    folder: Path
    driver: int = 0
    worker: int = 0
    disk: int = 0
    by_step: dict[str, int] = field(default_factory=dict)  # the largest worker
    step: str = ""

    @contextmanager
    def running(self):  # type: ignore[no-untyped-def]
        """Samples in a thread until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._sample, args=(ended,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def _sample(self, ended: threading.Event) -> None:
        count = 0
        while not ended.wait(SAMPLE_SECONDS):
            self.driver = max(self.driver, resident(os.getpid()))
            worker = max((resident(child) for child in children()), default=0)
            self.worker = max(self.worker, worker)
            self.by_step[self.step] = max(self.by_step.get(self.step, 0), worker)
            if count % DISK_EVERY == 0:
                self.disk = max(self.disk, folder_bytes(self.folder))
            count += 1


@dataclass
class TimedUnits:
    """Has an executor run units, and keeps the seconds of each step, which the watch is told of."""

    executor: Executor
    watch: Watch
    seconds: dict[str, float] = field(default_factory=dict)

    def __call__(
        self, name: str, function: Callable[[Any], Any], arguments: Sequence[Any], /, *, memory: int = 0
    ) -> list[Any]:
        """See refinery.shuffle.units.MapUnits."""
        started = time.perf_counter()
        self.watch.step = name
        units = [Unit(f"{name} {n}", argument, memory=memory) for n, argument in enumerate(arguments)]
        found = run_units(self.executor, function, units)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        return found


@dataclass(frozen=True)
class Measured:
    """One size: seconds by step, peaks in bytes, what was removed and what should have been."""

    corpus: Corpus
    seconds: dict[str, float]
    driver: int
    worker: int
    largest_step: str
    entries: int
    records: int
    exact: int
    near: int
    select_seconds: float
    select_worker: int
    select_driver: int

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def resident(pid: int) -> int:
    """Bytes of memory that a process has now; 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def children() -> list[int]:
    """Processes that this one started."""
    try:
        found = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(pid) for pid in found.split()]


def folder_bytes(folder: Path) -> int:
    """Bytes of the files below a folder that others write and remove."""
    total = 0
    for here, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(here, name)).st_blocks * 512  # noqa: PTH116, PTH118
            except OSError:
                continue
    return total


def measure(corpus: Corpus, work: Path, workers: int) -> Measured:
    """Makes the corpus, deduplicates it and selects from it, checks what was removed, and removes it."""
    folder = work / f"{corpus.kind}-{corpus.documents}"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "entries").mkdir(parents=True)
    units, known = shards(corpus, folder / "entries")
    executor = local(workers)
    watch = Watch(folder / "dedup")
    map_units = TimedUnits(executor, watch)
    seconds = map_units.seconds
    try:
        entries = sum(map_units("make", write_shard, units))
        del seconds["make"]
        settings = Settings(near=NEAR)
        started = time.perf_counter()
        with watch.running():
            result = dedup(known, settings, map_units=map_units, work=folder / "dedup")
        seconds["(driver)"] = time.perf_counter() - started - sum(seconds.values())
        exact, near = _count(result)
        steps = dict(seconds)
        seconds.clear()
        chosen = Watch(folder / "entries")
        with chosen.running():
            _select(units, map_units, folder / "dedup")
        largest = max(watch.by_step, key=lambda step: watch.by_step[step], default="")
        return Measured(
            corpus, steps, watch.driver, watch.worker, largest, entries, watch.disk, exact, near,
            sum(seconds.values()), chosen.worker, chosen.driver,
        )  # fmt: skip
    finally:
        executor.close()
        shutil.rmtree(folder, ignore_errors=True)


def _count(result: Outcome) -> tuple[int, int]:
    exact = near = 0
    for partition in range(result.dropped.partitions):
        rules = result.dropped.read(partition)["rule"]
        near += int((rules == outcomes.NEAR).sum())
        exact += int((rules == outcomes.EXACT).sum())
    return exact, near


def _select(units: Sequence[ShardUnit], map_units: MapUnits, work: Path) -> None:
    ranked = Records.create(work / "ranked", ranked_dtype(1), writers=len(units))
    map_units("select ranking", partial(write_ranked, ranked), list(enumerate(units)))
    budget = sum(u.stop - u.start for u in units) * 300  # of 1,000 tokens a document on average
    find_cutoff(ranked, budget, map_units, work)


def check(found: Measured) -> str:
    """Whether the removed documents are as many as they should be; near ones within four standard deviations."""
    wanted = expected(found.corpus)
    if found.corpus.kind == "template":  # whoever meets no kept page in a bucket stays: a few in a thousand
        return f"{found.corpus.documents - found.near:,} kept"
    near = abs(found.near - wanted.near) <= 4 * wanted.spread + 1
    whole = found.corpus.documents % 100 == 0
    return (
        "as expected"
        if near and (found.exact == wanted.exact or not whole)
        else (f"EXPECTED {wanted.exact:,} and {wanted.near:,.0f}")
    )


def tables(found: Sequence[Measured], title: str) -> list[Sheet]:
    """The sizes side by side, and their seconds by step."""
    rows = [
        (
            m.corpus.documents,
            m.corpus.kind,
            m.total,
            m.corpus.documents / m.total,
            m.driver / MB,
            m.worker / MB,
            m.largest_step,
            m.records / MB,
            m.records / m.corpus.documents,
            m.entries / m.corpus.documents,
            f"{m.exact:,} + {m.near:,}: {check(m)}",
        )
        for m in found
    ]
    columns = (
        "documents", "kind", "s", "documents/s", "driver MB", "worker MB", "in step", "records MB",
        "records B/doc", "entries B/doc", "removed exact + near",
    )  # fmt: skip
    steps = list(dict.fromkeys(step for m in found for step in m.seconds))
    by_step = [(step, *(m.seconds.get(step, 0.0) for m in found)) for step in steps]
    names = tuple(f"{m.corpus.documents:,} {m.corpus.kind}" for m in found)
    chosen = [
        (m.corpus.documents, m.select_seconds, m.corpus.documents / max(m.select_seconds, 1e-9),
         m.select_driver / MB, m.select_worker / MB)
        for m in found
    ]  # fmt: skip
    return [
        Sheet(title, columns, rows, ("Peaks of resident memory, sampled; of one process each.",)),
        Sheet("Seconds by step", ("step", *names), by_step),
        Sheet("Select a token budget", ("documents", "s", "documents/s", "driver MB", "worker MB"), chosen),
    ]


@dataclass(frozen=True)
class Form:
    """What is fitted by least squares: two terms in the number of documents."""

    name: str
    first: Callable[[np.ndarray], np.ndarray]
    second: Callable[[np.ndarray], np.ndarray]

    def terms(self, documents: np.ndarray) -> np.ndarray:
        """float64 (documents, 2)."""
        return np.stack([self.first(documents), self.second(documents)], 1)


LINEAR = Form("a + b n", np.ones_like, np.positive)
LOGARITHMIC = Form("a n + b n log2 n", np.positive, lambda n: n * np.log2(n))
ROOT = Form("a + b sqrt n", np.ones_like, np.sqrt)


def fit(found: Sequence[Measured], workers: int) -> list[Sheet]:
    """Least squares of what was measured, and what it says of larger corpora."""
    wanted: list[tuple[str, Form, Callable[[Measured], float]]] = [
        ("seconds", LINEAR, lambda m: m.total),
        ("seconds", LOGARITHMIC, lambda m: m.total),
        ("worker MB", ROOT, lambda m: m.worker / MB),
        ("driver MB", LINEAR, lambda m: m.driver / MB),
        ("records MB", LINEAR, lambda m: m.records / MB),
        ("select s", LINEAR, lambda m: m.select_seconds),
    ]
    documents = np.array([m.corpus.documents for m in found], float)
    rows: list[tuple[object, ...]] = []
    for what, form, value in wanted if len(found) > 1 else ():
        values, terms = np.array([value(m) for m in found]), form.terms(documents)
        factors, *_ = np.linalg.lstsq(terms, values, rcond=None)
        left = values - terms @ factors
        (there,) = form.terms(np.array([1e8])) @ factors
        rows.append(
            (what, form.name, f"{factors[0]:.3g}", f"{factors[1]:.3g}", float(there),
             ", ".join(f"{100 * e / v if v else 0:+.1f} %" for e, v in zip(left, values, strict=True)))
        )  # fmt: skip
    return [
        Sheet("Fit", ("what", "form", "a", "b", "at 100 million", "residuals"), rows),
        _outlook(found, workers),
    ]


def _outlook(found: Sequence[Measured], workers: int) -> Sheet:
    """Ten billion documents on a cluster, from the largest size measured."""
    last = max(found, key=lambda m: m.corpus.documents)
    documents = last.corpus.documents
    core_seconds = last.total * workers / documents
    disk = last.records / documents
    rows = []
    for wanted, cores in ((1e8, 2), (1e8, 16), (1e10, 256), (1e10, 1024)):
        size = min(max((wanted * BANDS.count * 16 * 2**20) ** 0.5, 4 << 20), 1 << 30)
        rows.append(
            (f"{wanted:,.0f}", cores, core_seconds * wanted / cores / 3600, disk * wanted / 1e12,
             size * 5 / 1e9, 24 * 0.11 * wanted / 1e9, wanted * BANDS.count * 16 / size)
        )  # fmt: skip
    notes = (
        f"From {documents:,} documents: {number(core_seconds * 1e6)} microseconds of a core and {number(disk)} bytes "
        "of records a document, both linear, and storage that keeps up with the cores.",
        "Memory of a unit: five times a partition, which grows with the root of the corpus up to 1 GiB. The last "
        "merge of forests is one unit of 24 bytes a document with a near duplicate (11 % here).",
        "Reads of a partition from another unit's file are its size divided by the number of files: 1 MiB until it "
        "is 1 GiB, then less.",
    )
    columns = (
        "documents",
        "cores",
        "hours",
        "records TB",
        "GB a unit",
        "GB in the last merge",
        "units a step",
    )
    return Sheet("What follows", columns, rows, notes)


def main() -> None:
    """Runs the sizes and the buckets, and prints tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--documents", nargs="*", type=float, default=[1, 3], help="millions")
    parser.add_argument("--buckets", nargs="*", type=float, default=[1], help="millions in one bucket")
    parser.add_argument("--work", type=Path, default=Path("scale-work"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--json", metavar="FILE", help="also as JSON; - for standard output alone")
    options = parser.parse_args()
    mixed = [Corpus("mixed", round(millions * 1e4) * 100) for millions in options.documents]
    one = [Corpus(k, round(m * 1e6)) for m in options.buckets for k in ("key", "signature")]
    one += [
        Corpus("template", round(m * 1e5)) for m in options.buckets
    ]  # every text is read and compared often
    sheets: list[Sheet] = []
    measured = []
    for corpus in mixed:
        measured.append(measure(corpus, options.work, options.workers))
        print(_line(measured[-1]), flush=True)
    if measured:
        sheets += [*tables(measured, "Dedup"), *fit(measured, options.workers)]
    buckets = []
    for corpus in one:
        buckets.append(measure(corpus, options.work, options.workers))
        print(_line(buckets[-1]), flush=True)
    if buckets:
        sheets += tables(buckets, "Dedup of one bucket")[:2]
    report(f"Dedup and select with {options.workers} workers", sheets, options.json)
    sys.exit(any("EXPECTED" in check(found) for found in [*measured, *buckets]))


def _line(m: Measured) -> str:
    return (
        f"{m.corpus.documents:,} {m.corpus.kind}: {number(m.total)} s, worker {number(m.worker / MB)} MB, "
        f"driver {number(m.driver / MB)} MB, records {number(m.records / MB)} MB, {check(m)}"
    )


if __name__ == "__main__":
    main()
