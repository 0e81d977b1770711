"""What every benchmark needs: documents, timing on one core with its spread, tables that are also JSON."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # for what the tests have too: servers, documents

_THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
ONE_THREAD = dict.fromkeys(_THREAD_SETTINGS, "1")


@dataclass(frozen=True)
class Spread:
    """Seconds (or a ratio) over several repetitions."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), statistics.median(values), max(values))

    def __str__(self) -> str:
        return f"{number(self.median)} ({number(self.low)} … {number(self.high)})"


@dataclass(frozen=True)
class Sheet:
    """One table of a benchmark; `rows` hold plain values, so that it prints and dumps alike."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]
    notes: tuple[str, ...] = ()


def number(value: float) -> str:
    """Three significant digits, no exponent."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def pin_to_one_core() -> None:
    """Keeps this process and its children on one core, and libraries on one thread."""
    os.environ.update(ONE_THREAD)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)


def repeat(function: Callable[[], object], repeats: int) -> Spread:
    """Wall-clock seconds of `function`, one untimed call first (it compiles and loads)."""
    function()
    return Spread.of([seconds(function) for _ in range(repeats)])


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def machine() -> str:
    """One line on what this ran on."""
    model = "unknown processor"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next(
            (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model
        )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def data_files(paths: Iterable[str]) -> list[Path]:
    """Parquet files named by files, folders or globs, sorted."""
    files: list[Path] = []
    for name in paths:
        path = Path(name)
        found = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        files += found
    missing = [str(file) for file in files if not file.is_file()]
    if missing or not files:
        sys.exit(f"no Parquet file at {', '.join(missing) or ', '.join(paths)}")
    return files


def documents(paths: Iterable[str], limit: int | None = None) -> pa.ChunkedArray:
    """The `text` column of Parquet files as large_string; `limit` takes that many documents, spread evenly."""
    tables = [pq.read_table(file, columns=["text"]) for file in data_files(paths)]
    text = pa.chunked_array(
        [chunk.cast(pa.large_string()) for table in tables for chunk in table.column("text").chunks]
    )
    if limit is not None and limit < len(text):
        text = text.take(pa.array([i * len(text) // limit for i in range(limit)]))
    return pa.chunked_array([text.combine_chunks()])


def text_bytes(text: pa.ChunkedArray | pa.Array) -> int:
    """UTF-8 bytes of all documents."""
    return int(pc.sum(pc.binary_length(text)).as_py() or 0)


def report(heading: str, sheets: Sequence[Sheet], json_file: str | None) -> None:
    """Prints the tables; with `json_file` ("-" for standard output) also dumps them."""
    if json_file == "-":
        print(_dump(heading, sheets))
        return
    console = Console(width=max(Console().width, 120))
    console.print(f"[bold]{heading}[/bold]\n{machine()}", highlight=False)
    for sheet in sheets:
        table = Table(title=sheet.title, title_justify="left", title_style="bold")
        for column in sheet.columns:
            numeric = all(not isinstance(row[len(table.columns)], str) for row in sheet.rows)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for row in sheet.rows:
            table.add_row(*(_cell(value) for value in row))
        console.print(table)
        for note in sheet.notes:
            console.print(f"  {note}", highlight=False, soft_wrap=True)
    if json_file:
        Path(json_file).write_text(_dump(heading, sheets) + "\n", encoding="utf-8")


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _dump(heading: str, sheets: Sequence[Sheet]) -> str:
    whole = {"heading": heading, "machine": machine(), "tables": [asdict(sheet) for sheet in sheets]}
    return json.dumps(whole, ensure_ascii=False, indent=1, default=asdict)
