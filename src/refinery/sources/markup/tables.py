"""Tables of data as lines, a row each, cells parted by ` | `; tables that only lay out a page stay as they are.

A place that a cell spans beside its own is empty, so that columns stay in line under their heads.
"""

from __future__ import annotations

from itertools import zip_longest

from resiliparse.parse.html import DocumentNode, ElementNode

from refinery.sources.markup.dom import line, link_share

_LAYOUT = "table,h1,h2,h3,form,article,section,nav,iframe"  # in a cell: a part of the page, not a datum
_CELL = 1500  # characters; prose in columns is longer
_WIDEST, _LONGEST = 100, 1000  # what HTML lets a cell span
_MENU = 0.6  # of the text in links


def write_tables(page: DocumentNode, found: list[ElementNode]) -> None:
    """Writes the tables of data into the page, the inner before the outer."""
    for table in reversed(found):
        if not _is_data(table):
            continue
        grid = rows(table)
        if len(grid) < 2 or max(map(len, grid)) < 2 or any(len(cell) > _CELL for row in grid for cell in row):
            continue
        caption = table.query_selector("caption")
        text = "\n".join(" | ".join(row).rstrip() for row in grid)
        written = page.create_element("pre")
        written.text = f"{line(caption)}\n{text}" if caption else text
        table.replace_children(written)


def rows(table: ElementNode) -> list[list[str]]:
    """The cells of each row that has any text, as wide as the widest row of the table needs."""
    grid: list[list[str]] = []
    spanned: dict[int, int] = {}  # rows below that a column is taken for
    for row in table.query_selector_all("tr")[:]:
        cells: list[str] = []
        below = {column: count - 1 for column, count in spanned.items() if count > 1}
        for cell in (child for child in row.children[:] if child.tag in {"td", "th"}):
            while len(cells) in spanned:
                cells.append("")
            wide, high = _span(cell, "colspan", _WIDEST), _span(cell, "rowspan", _LONGEST)
            if high > 1:
                below |= dict.fromkeys(range(len(cells), len(cells) + wide), high - 1)
            cells += [line(cell), *[""] * (wide - 1)]
        spanned = below
        if any(cells):
            grid.append(cells)
    return [list(row) for row in zip(*zip_longest(*grid, fillvalue=""), strict=True)]


def _is_data(table: ElementNode) -> bool:
    if table.get_attribute("role") in {"presentation", "none"} or table.query_selector(_LAYOUT):
        return False
    return table.query_selector("th,caption") is not None or link_share(table) <= _MENU


def _span(cell: ElementNode, name: str, most: int) -> int:
    value = (cell.get_attribute(name) or "").strip()
    return min(int(value), most) or 1 if value.isascii() and value.isdigit() else 1
