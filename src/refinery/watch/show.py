"""Which listener suits the place where a run is started; all but that of a notebook write to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from refinery.watch.events import Listener, silent
from refinery.watch.json_lines import json_lines


@contextmanager
def show(*, quiet: bool = False, json: bool = False) -> Iterator[Listener]:
    """JSON lines before silence, else lines that are drawn anew in a terminal or a notebook, plain ones elsewhere."""
    if json or quiet:
        yield json_lines(sys.stderr) if json else silent
        return
    from rich.console import Console
    from rich.live import Live

    from refinery.watch.bars import Bars
    from refinery.watch.plain import PlainLines

    console = Console(stderr=True)
    if console.is_jupyter:
        from IPython.display import display

        from refinery.watch.cell import Cell

        yield Cell(display)
    elif console.is_interactive and sys.stderr.isatty():
        bars = Bars(console)
        with Live(bars, console=console):
            yield bars
    else:
        yield PlainLines(sys.stderr)
