"""What a run takes, as people read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.filesize import decimal

from refinery.executors.limits import shortfall
from refinery.report.grid import Grid

if TYPE_CHECKING:
    from refinery.run.cost import Estimate


def cost_tables(cost: Estimate) -> Iterator[Grid | str]:
    """What a run takes, in 80 columns."""
    table = Grid("What it takes, about", ("work", "documents", "text", "time"))
    for step in cost.steps:
        time = duration_text(step.seconds)
        table.add(step.what, f"{step.documents:,}", decimal(step.bytes), time)
    yield table
    workers = f"{cost.workers} worker{'s'[: cost.workers != 1]}"
    yield f"time: about {duration_text(cost.seconds)} with {workers}, {_known_from(cost)}"
    yield f"disk: about {decimal(cost.work_bytes)} more in the work folder, {decimal(cost.output_bytes)} of outputs"
    short = shortfall(cost.worker_memory)
    yield f"memory: at most {decimal(cost.worker_memory)} a worker" + (f"; {short}" if short else "")


def _known_from(cost: Estimate) -> str:
    if not cost.runs:
        return "by rates of benchmarks; a first run on a machine compiles for a minute as well"
    return f"by {cost.runs} earlier run{'s'[: cost.runs != 1]} here"


def duration_text(seconds: float) -> str:
    """As precise as an estimate is.

    >>> duration_text(0.2), duration_text(75), duration_text(5400), duration_text(100_000)
    ('under 1 s', '75 s', '90 min', '28 h')
    """
    if seconds < 2 * 60:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"
