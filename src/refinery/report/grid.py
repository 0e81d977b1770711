"""Tables in the terminal: what stands in them is text, whatever it looks like, and none of it is cut."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Column, Table
from rich.text import Text

from refinery.watch.printable import printable

NARROW = 60  # columns of a terminal below which a table of many columns is a list
LONG = 12  # cells of a word that may be broken, as paths are
_FRAME = 3  # cells that a column takes beside its texts


def cell(text: str) -> Text:
    """Text as it is: no markup, no emoji code, no control character but the ends of its lines."""
    return Text("\n".join(map(printable, text.split("\n"))))


@dataclass
class Grid:
    """Rows of texts below headings; where words would break each row is a list, with a heading before each text."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, *texts: str) -> None:
        """Adds a row."""
        self.rows.append(texts)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """The table, or the list."""
        widths = self._widths(options.max_width - _FRAME * len(self.headings) - 1)
        if options.max_width < NARROW or not widths:
            yield cell(self.title)
            yield from (cell(line) for row in self.rows for line in self._list(row))
            return
        columns = (
            Column(cell(heading), overflow="fold", width=width)
            for heading, width in zip(self.headings, widths, strict=True)
        )
        table = Table(*columns, title=cell(self.title))
        for row in self.rows:
            table.add_row(*map(cell, row))
        yield table

    def _widths(self, room: int) -> list[int]:
        """Of the columns, the wide ones alike, so that no word breaks but long ones; none where that cannot be."""
        least, most = [], []
        for column in zip(self.headings, *self.rows, strict=True):
            texts = [cell(text).plain for text in column]
            least.append(
                min(max((cell_len(word) for text in texts for word in text.split()), default=1), LONG)
            )
            most.append(max((cell_len(line) for text in texts for line in text.split("\n")), default=1))
        found: list[int] = []
        for level in range(1, room + 1):
            widths = [max(few, min(level, many), 1) for few, many in zip(least, most, strict=True)]
            if sum(widths) > room:
                break
            found = widths
        return found

    def _list(self, row: tuple[str, ...]) -> Iterator[str]:
        for number, (heading, text) in enumerate(zip(self.headings, row, strict=True)):
            if text:
                yield f"{'  ' * (number > 0)}{heading}: {text}"
