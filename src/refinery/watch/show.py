"""Which listener the command line's flags ask for; all of them write to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from refinery.watch.events import Listener, silent
from refinery.watch.json_lines import json_lines


@contextmanager
def show(*, quiet: bool, json: bool) -> Iterator[Listener]:
    """JSON lines before silence, else lines that are drawn anew in a terminal, and plain ones anywhere else."""
    if json or quiet:
        yield json_lines(sys.stderr) if json else silent
        return
    from rich.console import Console
    from rich.live import Live

    from refinery.watch.bars import Bars
    from refinery.watch.plain import PlainLines

    console = Console(stderr=True)
    if console.is_interactive and sys.stderr.isatty():
        bars = Bars(console)
        with Live(bars, console=console):
            yield bars
    else:
        yield PlainLines(sys.stderr)
