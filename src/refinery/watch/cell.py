"""A run in a notebook: the lines of the terminal in the output of the cell, which keeps them when the run is over."""

from __future__ import annotations

import html
import time
from collections.abc import Callable
from typing import Any

from refinery.watch.bars import draw
from refinery.watch.events import Event, Note, RunEnded
from refinery.watch.printable import printable
from refinery.watch.progress import Progress

WIDTH, HEIGHT = 110, 60
EVERY = 0.5  # seconds between two drawings


class Cell:
    """A listener; display: IPython's, which shows a content by type and gives a handle to show it anew."""

    def __init__(self, display: Callable[..., Any], clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._progress = Progress()
        self._notes: list[str] = []
        self._drawn = clock()
        self._handle = display(self._bundle(), raw=True, display_id=True)

    def __call__(self, event: Event) -> None:
        """Takes an event into account."""
        if isinstance(event, Note):
            self._notes.append(printable(event.message))
        else:
            self._progress(event)
        if isinstance(event, Note | RunEnded) or self._clock() - self._drawn >= EVERY:
            self._drawn = self._clock()
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        lines = [line.plain.rstrip() for line in draw(self._progress.lines(), WIDTH, HEIGHT)]
        text = "\n".join([*self._notes, *lines])
        return {"text/plain": text, "text/html": f"<pre>{html.escape(text)}</pre>"}
