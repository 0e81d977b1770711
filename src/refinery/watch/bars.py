"""A run in the terminal: one line a source, stage and output of the definition, fewer where it has no room."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rich.console import Console, ConsoleOptions
from rich.filesize import decimal
from rich.text import Text

from refinery.watch.events import Event, Note
from refinery.watch.printable import printable
from refinery.watch.progress import Line, Progress, Stand

GAP = "  "
BAR = 10  # columns of a bar
NAME = (12, 24)  # columns of a name: to these it is cut before anything is left out, and at most
TIME = 12  # columns of "time unknown", so that names do not move when the time is known
MORE = 28  # columns that names are cut for, so that a rate and a phase have room
PHASE = 8  # columns to which a phase is cut before it is left out
Cells: TypeAlias = dict[str, Text]  # by column
COLUMNS = ("kind", "name", "documents", "kept", "time")
_SPARED = ("kind", "documents", "kept")  # in the order in which they are left out where they have no room
_HEADING: Cells = {"documents": Text("in"), "kept": Text("kept")}


@dataclass(frozen=True)
class Folded:
    """Lines of one state that share one line of the terminal."""

    state: Stand
    names: tuple[str, ...]


class Bars:
    """A listener, and what rich draws of it whenever it is asked to."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()

    def __call__(self, event: Event) -> None:
        """Takes an event into account; a note is printed above the lines."""
        if isinstance(event, Note):
            self._console.print(Text(printable(event.message)))
        else:
            self._progress(event)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The lines as they are now; one line of the terminal is left for the cursor."""
        yield from draw(self._progress.lines(), options.max_width, max(console.height - 1, 1))


def draw(lines: Sequence[Line], width: int, height: int) -> Iterator[Text]:
    """The lines in a terminal of so many columns and lines, below a heading where that has room."""
    if not lines:
        return
    rows = fold(lines, height)
    cells = {row: _cells(row) for row in rows if isinstance(row, Line)}
    headings = [_HEADING] if cells and len(rows) < height else []
    widths = _widths([*headings, *cells.values()], width)
    texts = [_joined(heading, widths) for heading in headings]
    for row in rows:
        if isinstance(row, Folded):
            text = Text(f"{len(row.names)} {row.state}: {printable(', '.join(row.names))}")
        else:
            text = _joined(cells[row], widths)
            text.append_text(_more(row, width - text.cell_len))
        if row.state == "waiting" or isinstance(row, Folded):
            text.stylize("dim")
        texts.append(text)
    for text in texts:
        text.truncate(width, overflow="ellipsis")
        yield text


def fold(lines: Sequence[Line], height: int) -> list[Line | Folded]:
    """The lines, or, where there are more than `height`, with one for several that are in the same state.

    The ones that are folded are those that were done first, or come last.
    """
    rows: list[Line | Folded] = [*lines]
    states: tuple[Stand, ...] = ("done", "waiting", "stopped", "working")
    for state in states:
        if len(rows) > height:
            rows = _fold(rows, state, height)
    return rows[:height]


def _fold(rows: list[Line | Folded], state: Stand, height: int) -> list[Line | Folded]:
    mine = [row for row in rows if isinstance(row, Line) and row.state == state]
    excess = len(rows) - height + 1  # one line is taken by those that share it
    folded = mine[:excess] if state == "done" else mine[-excess:]
    if len(folded) < 2:
        return rows
    place = rows.index(folded[0])
    shared = Folded(state, tuple(row.name for row in folded))
    return [*rows[:place], shared, *(row for row in rows[place:] if row not in folded)]


def clock(seconds: float) -> str:
    """Seconds as people read them.

    >>> clock(7.4), clock(192), clock(3723)
    ('0:07', '3:12', '1:02:03')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_text(line: Line) -> str:
    """How long a line still takes or took."""
    if line.state in {"waiting", "stopped"}:
        return line.state
    if line.state == "done":
        return f"took {clock(line.seconds)}" if line.units else "cached"
    return "time unknown" if line.seconds_left is None else f"{clock(line.seconds_left)} left"


# What people call phases that have a name of their own.
_STEPS = {
    "kernels": "compile",
    "lay out": "write",
    "scatter": "write",
    "check": "write",
    "decisions": "write",
}


def step_text(phase: str) -> str:
    """A phase as people call it: its inner steps have no names for them.

    >>> step_text("dedup answer names"), step_text("lay out")
    ('dedup', 'write')
    """
    return _STEPS.get(phase, phase.partition(" ")[0])


def rate_texts(line: Line) -> list[str]:
    """What a line that is worked on, or was when the run ended, is at, as far as there is something to tell."""
    if line.state not in {"working", "stopped"}:
        return []
    rate = [f"{line.documents_per_second:,.0f} docs/s"] if line.documents_per_second else []
    speed = [f"{decimal(int(line.mb_per_second * 1e6))}/s"] if line.kind == "source" and rate else []
    phase = f"{step_text(line.phase)} {line.units_done}/{line.units}"
    return [*rate, phase, *speed] if line.state == "working" else [phase]


def _cells(line: Line) -> Cells:
    return {
        "kind": Text(line.kind, "dim"),
        "name": Text(printable(line.name)),
        "documents": Text("" if line.documents is None else f"{line.documents:,}"),
        "kept": Text("" if line.kept is None else f"{line.kept:,}"),
        "time": Text(time_text(line), "cyan" if line.state == "working" else ""),
    }


def _widths(table: Sequence[Cells], width: int) -> dict[str, int]:
    """The columns that fit, with their widths."""
    sizes = {name: max((row[name].cell_len for row in table if name in row), default=0) for name in COLUMNS}
    widths = {name: size for name, size in sizes.items() if size}
    if not widths:
        return widths
    shortest, longest = (min(size, widths["name"]) for size in NAME)
    widths |= {"name": shortest, "time": max(widths["time"], TIME)}
    for name in _SPARED:
        if _total(widths) > width:
            widths.pop(name, None)
    widths["name"] = min(max(width - _total(widths) - MORE, 0) + shortest, longest)
    return widths


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _joined(cells: Cells, widths: dict[str, int]) -> Text:
    parts = []
    for name, size in widths.items():
        part = cells.get(name, Text()).copy()
        part.truncate(size, overflow="ellipsis")
        part.align("right" if name in {"documents", "kept"} else "left", size)
        parts.append(part)
    return Text(GAP).join(parts)


def _more(line: Line, room: int) -> Text:
    """A bar, rate, phase and speed of a line that is worked on, as many of them as have room."""
    text = Text()
    if line.state == "working" and room > BAR + MORE:
        full = int(line.share * BAR)
        text.append(f"{GAP}{'━' * full}", "green").append("─" * (BAR - full), "dim")
    for one in rate_texts(line):
        least = min(len(one), PHASE) if one.startswith(step_text(line.phase)) else len(one)
        if text.cell_len + len(GAP) + least <= room:
            text.append(f"{GAP}{one}", "dim")
    return text
