"""A run where no terminal is: a line for each source, stage and output now and then, and when it is finished."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import IO

from refinery.storage.clock import steady_seconds
from refinery.watch.bars import rate_texts, time_text
from refinery.watch.events import Event, Finished, Note
from refinery.watch.printable import printable
from refinery.watch.progress import Line, Progress

EVERY = 30.0  # seconds between two tellings of what goes on


class PlainLines:
    """A listener that writes lines of text."""

    def __init__(self, stream: IO[str], clock: Callable[[], float] = steady_seconds) -> None:
        self._stream, self._clock = stream, clock
        self._progress = Progress(clock)
        self._last = clock()

    def __call__(self, event: Event) -> None:
        """Takes an event into account."""
        self._progress(event)
        if isinstance(event, Note):
            self._print(event.message)
        elif isinstance(event, Finished):
            if event.of.kind != "stage" or event.kept is not None:  # else it is told again
                self._print(plain(self._progress.line(event.of)))
        elif self._clock() - self._last >= EVERY:
            self._last = self._clock()
            self._print(*(plain(line) for line in self._progress.lines() if line.state == "working"))

    def _print(self, *lines: str) -> None:
        with suppress(OSError):  # a run goes on though nobody can read of it
            for line in lines:
                print(printable(line), file=self._stream, flush=True)


def plain(line: Line) -> str:
    """A line as text, of what is known."""
    came = "read" if line.kind == "source" else "in"
    kept = "written" if line.kind == "output" else "kept"
    counts = [f"{n:,} {word}" for n, word in ((line.documents, came), (line.kept, kept)) if n is not None]
    return f"{line.kind} {line.name}: {', '.join([*counts, time_text(line), *rate_texts(line)])}"
