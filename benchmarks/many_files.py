"""Many tiny files on S3: what a run takes, in the driver above all, and how its requests grow with the files.

    python benchmarks/many_files.py --files 1000 2000 4000

Each size is a bucket of its own on the S3 server of the tests, on this machine: JSON Lines of a few documents each,
some of them duplicates. A definition with cheap measurers, rules, dedup, a token budget and two outputs is planned,
run, and run again with nothing to do, each by the command in a process of its own. Requests are counted where they
are sent, in the driver and in its workers, by kind and folder; a line is fitted to each count, and a parabola, which
tells what the largest size wanted (`--outlook`) would add to the line. `--only plan` plans and does not run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import Sheet, machine, report
from tests.request_counts import RequestLog
from tests.s3_server import S3Server, forget_clients, running
from tests.tiny_shards import definition, upload
from whole_runs import REFINERY, watch


@dataclass(frozen=True)
class Step:
    """A command: seconds, the driver's peak of resident memory in bytes, requests by kind and folder."""

    name: str
    seconds: float
    memory: int
    requests: Counter[tuple[str, str]]
    driver_requests: int


@dataclass(frozen=True)
class Size:
    """What was measured with so many files."""

    files: int
    steps: tuple[Step, ...]


def run(name: str, command: Sequence[str], environment: dict[str, str], log: RequestLog) -> Step:
    """Runs a command to its end."""
    log.clear()
    found = watch(command, environment | log.environment())
    of_driver = sum(request.process == found.process for request in log.requests())
    return Step(name, found.seconds, found.peaks[found.process], log.counts(), of_driver)


def measure(server: S3Server, files: int, options: argparse.Namespace, folder: Path) -> Size:
    """One size, from an empty bucket."""
    bucket = server.new_bucket()
    started = time.perf_counter()
    upload(bucket, files, options.documents)
    _tell(f"{files:,} files uploaded in {time.perf_counter() - started:.0f} s")
    file = folder / f"many-{files}.yaml"
    file.write_text(definition(bucket, bucket, files, options.documents), encoding="utf-8")
    work = [str(file), "--work", f"{bucket}/work"]
    going = [str(REFINERY), "run", *work, "-q", "--workers", str(options.workers)]
    commands = {"plan": [str(REFINERY), "plan", *work], "run": going, "nothing to do": going}
    steps = []
    for name, command in commands.items():
        if options.only and name not in options.only:
            continue
        log = RequestLog(folder / f"requests-{files}-{len(steps)}")
        steps.append(run(name, command, server.environment(), log))
        _tell(
            f"{files:,} files, {name}: {steps[-1].seconds:.1f} s, driver {steps[-1].memory / 1e6:.0f} MB, "
            f"{steps[-1].requests.total():,} requests"
        )
    return Size(files, tuple(steps))


def _tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def summary(sizes: Sequence[Size]) -> Sheet:
    """Seconds, memory and requests of each command."""
    rows = [
        (size.files, step.name, step.seconds, step.memory / 1e6, step.requests.total(), step.driver_requests,
         step.requests.total() / size.files)
        for size in sizes for step in size.steps
    ]  # fmt: skip
    columns = ("files", "command", "s", "driver MB", "requests", "of them the driver's", "requests a file")
    return Sheet("Commands", columns, rows)


def fits(sizes: Sequence[Size], outlook: int) -> list[Sheet]:
    """For seconds and memory, and for each kind of request: a + b n, and what the parabola adds to it."""
    sheets = []
    for number, step in enumerate(sizes[0].steps):
        wanted: dict[str, Callable[[Step], float]] = {
            "seconds": lambda s: s.seconds,
            "driver MB": lambda s: s.memory / 1e6,
        }
        kinds = sorted({pair for size in sizes for pair in size.steps[number].requests})
        wanted |= {f"{kind} {folder}".strip(): _counter(kind, folder) for kind, folder in kinds}
        files = np.array([size.files for size in sizes], float)
        rows = []
        for what, value in wanted.items():
            values = np.array([value(size.steps[number]) for size in sizes], float)
            rows.append((what, *values.tolist(), *_fit(files, values, outlook)))
        columns = (
            "what", *(f"{size.files:,}" for size in sizes), "a", "b", "worst residual", f"line at {outlook:,}",
            f"parabola at {outlook:,}",
        )  # fmt: skip
        sheets.append(Sheet(f"{step.name}: a + b n", columns, rows))
    return sheets


def _counter(kind: str, folder: str) -> Callable[[Step], float]:
    return lambda step: step.requests[kind, folder]


def _fit(files: np.ndarray, values: np.ndarray, outlook: int) -> Iterator[object]:
    """Factors of the line, its worst residual, and what line and parabola say; nothing where points are too few."""
    if len(files) < 2:
        yield from (None,) * 5
        return
    slope, start = np.polyfit(files, values, 1)
    left = np.abs(values - (start + slope * files))
    share = left / np.maximum(values, 1)
    yield from (float(start), float(slope), f"{100 * share.max():.1f} %", float(start + slope * outlook))
    yield float(np.polyval(np.polyfit(files, values, 2), outlook)) if len(files) > 2 else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", nargs="+", type=int, default=[500, 1000, 2000])
    parser.add_argument("--documents", type=int, default=8, help="of a shard")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="commands: plan, run, 'nothing to do'")
    parser.add_argument("--outlook", type=int, default=200_000, help="files that the fits are extended to")
    parser.add_argument("--json", metavar="FILE", help="also as JSON; - for standard output alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="many-files-") as made:
        folder = Path(made)
        with running(folder / "s3") as server:
            os.environ.update(server.environment())
            sizes = [measure(server, files, options, folder) for files in options.files]
            forget_clients()
    sheets = [summary(sizes), *fits(sizes, options.outlook)]
    report(f"Many tiny files on S3, {options.workers} workers, {machine()}", sheets, options.json)


if __name__ == "__main__":
    main()
