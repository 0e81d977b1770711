"""Tables in the terminal: what stands in them is text, whatever it looks like, and none of it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column, Table
from rich.text import Text

from refinery.watch.printable import printable

NARROW = 60  # columns of a terminal below which a table of many columns is a list


def cell(text: str) -> Text:
    """Text as it is: no markup, no emoji code, no control character but the ends of its lines."""
    return Text("\n".join(map(printable, text.split("\n"))))


@dataclass
class Grid:
    """Rows of texts below headings; in a narrow terminal each row is a list, with a heading before each text."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *texts: str) -> None:
        """Adds a row."""
        self.rows.append(texts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table, or the list."""
        if options.max_width < NARROW:
            yield cell(self.title)
            yield from (cell(line) for row in self.rows for line in self._list(row))
            return
        columns = (Column(cell(heading), overflow="fold") for heading in self.headings)
        table = Table(*columns, title=cell(self.title))
        for row in self.rows:
            table.add_row(*map(cell, row))
        yield table

    def _list(self, row: tuple[str, ...]) -> Iterator[str]:
        for number, (heading, text) in enumerate(zip(self.headings, row, strict=True)):
            if text:
                yield f"{'  ' * (number > 0)}{heading}: {text}"
