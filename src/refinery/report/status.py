"""`refinery status`: what a run is doing, or how it ended, in a few lines for people."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from datetime import datetime

from rich.filesize import decimal

from refinery.watch.bars import draw
from refinery.watch.printable import printable
from refinery.watch.status import Status


def status_text(status: Status) -> str:
    """The status in the terminal's width."""
    lines = [f"{status.state}: {status.pipeline}"]
    if status.message:
        lines[0] += f" ({status.message})"
    if status.phase and status.state != "finished":
        rates = f"{status.documents_per_second:,.0f} docs/s, {status.mb_per_second:,.1f} MB/s"
        left = f", {status.seconds_left:,.0f} s left" if status.seconds_left is not None else ""
        lines.append(f"{status.phase}: {status.units_done:,} of {status.units:,} units, {rates}{left}")
    width = shutil.get_terminal_size().columns
    lines += [f"  {text.plain.rstrip()}" for text in draw(status.lines, width - 2, len(status.lines))]
    if status.in_flight:
        now = time.time()
        first = ", ".join(f"{one.unit} ({now - one.since:,.0f} s)" for one in status.in_flight[:5])
        lines.append(f"in flight: {status.in_flight_units:,}, the first: {first}")
    if status.failed_attempts:
        last = status.failures[-1]
        lines.append(f"failed attempts: {status.failed_attempts:,}, the last: {last.unit}: {last.problem}")
    lines += [f"output {name}: {folder}" for name, folder in status.outputs.items()]
    when = f"started {_time(status.started)}"
    if status.state != "running":
        end = "last heard of" if status.state == "died" else "ended"
        when += f", {end} {_time(status.updated)}, after {status.updated - status.started:,.0f} s"
    lines.append(f"{when}; process {status.pid} on {status.host}")
    if status.work_bytes:
        lines.append(f"work folder: {status.work}, {size_text(status.work_bytes)}")
    lines.append(f"log: {status.log}")
    return "\n".join(map(printable, lines))


def size_text(kinds: Mapping[str, int]) -> str:
    """How large a work folder is, and the kinds of files that most of it is.

    >>> size_text({"measurements": 3_000_000, "logs": 2_000})
    '3.0 MB (measurements 3.0 MB, logs 2.0 kB)'
    """
    most = ", ".join(f"{kind} {decimal(size)}" for kind, size in [*kinds.items()][:3])
    return f"{decimal(sum(kinds.values()))} ({most})"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")
