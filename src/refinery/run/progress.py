"""Progress of a run, told through one small interface: phases, units done, documents and bytes a second."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from refinery.executors.base import Attempt, Unit


class Progress(Protocol):
    """What a run tells while it works."""

    def start(self, phase: str, units: int, weight: int) -> None:
        """A phase begins: its units and their weight in bytes of text."""

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """An attempt of a unit was handed out."""

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """It ended: well, or with an exception as its outcome."""

    def note(self, message: str) -> None:
        """Something a person should know."""


class Silent:
    """Tells nothing: `--quiet`."""

    def start(self, phase: str, units: int, weight: int) -> None:
        """Nothing."""

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """Nothing."""

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """Nothing."""

    def note(self, message: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Several:
    """Tells each of several."""

    all: tuple[Progress, ...]

    def start(self, phase: str, units: int, weight: int) -> None:
        """To each."""
        for one in self.all:
            one.start(phase, units, weight)

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """To each."""
        for one in self.all:
            one.begun(unit, attempt)

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """To each."""
        for one in self.all:
            one.ended(unit, attempt, ended, documents)

    def note(self, message: str) -> None:
        """To each."""
        for one in self.all:
            one.note(message)


@dataclass
class JsonLines:
    """One JSON object a line on `stream`: `--json`."""

    stream: IO[str]
    phase: str = ""
    units: int = 0
    done: int = 0

    def start(self, phase: str, units: int, weight: int) -> None:
        """Tells the phase and its size."""
        self.phase, self.units, self.done = phase, units, 0
        self._tell({"event": "phase", "phase": phase, "units": units, "bytes": weight})

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """Nothing."""

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """Tells each finished unit."""
        if isinstance(ended.outcome, Exception):
            return
        self.done += 1
        self._tell({"event": "unit", "phase": self.phase, "done": self.done, "units": self.units,
                    "documents": documents, "bytes": unit.weight})  # fmt: skip

    def note(self, message: str) -> None:
        """Tells the message."""
        self._tell({"event": "note", "message": message})

    def _tell(self, content: dict[str, object]) -> None:
        print(orjson.dumps({"time": round(time.time(), 3), **content}).decode(), file=self.stream, flush=True)


class Bars:
    """A bar a phase in the terminal, with documents/s, MB/s and the time left."""

    def __init__(self, rich_progress: RichProgress) -> None:
        self._progress = rich_progress
        self._task: TaskID | None = None
        self._documents = 0
        self._started = 0.0

    def start(self, phase: str, units: int, weight: int) -> None:
        """A new bar; the one before stays with its final figures."""
        last = self._progress.tasks[-1] if self._progress.tasks else None
        if last is not None and last.description == phase:  # another step of the same phase: the bar goes on
            self._progress.update(last.id, total=(last.total or 0) + max(weight, 1))
            return
        self._documents, self._started = 0, time.perf_counter()
        self._task = self._progress.add_task(phase, total=max(weight, 1), rate="")

    def begun(self, unit: Unit[Any], attempt: int) -> None:
        """Nothing."""

    def ended(self, unit: Unit[Any], attempt: int, ended: Attempt, documents: int) -> None:
        """Moves the bar."""
        if self._task is None or isinstance(ended.outcome, Exception):
            return
        weight = unit.weight
        self._documents += documents
        seconds = max(time.perf_counter() - self._started, 1e-9)
        done = self._progress.tasks[self._task].completed + weight
        rate = (
            f"{self._documents / seconds:,.0f} docs/s  {done / seconds / 1e6:,.1f} MB/s" if documents else ""
        )
        self._progress.update(self._task, advance=weight, rate=rate)

    def note(self, message: str) -> None:
        """Above the bars."""
        self._progress.console.print(message, highlight=False, markup=False)


@contextmanager
def progress(*, quiet: bool, json: bool) -> Iterator[Progress]:
    """The progress that the command line's flags ask for; it always goes to standard error."""
    if json:
        yield JsonLines(sys.stderr)
        return
    if quiet:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as shown:
        yield Bars(shown)
