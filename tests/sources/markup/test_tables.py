import io

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from resiliparse.parse.html import HTMLTree

from refinery.sources.markup.tables import rows

from .test_main_content import extracted

CELL = st.text("abcxyz 123", min_size=1, max_size=8).map(lambda text: "c" + text.strip())


@given(
    table=st.integers(1, 5).flatmap(
        lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)
    )
)
def test_cells_are_those_that_pandas_reads(table):
    """White space collapsed, every cell in its row and column."""
    html = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in table)
    found = rows(HTMLTree.parse(f"<table>{html}</table>").body.query_selector("table"))
    (expected,) = pd.read_html(io.StringIO(f"<table>{html}</table>"))
    assert found == expected.to_numpy().tolist()


def test_rows_are_lines_with_the_head_first():
    """Cells parted by bars, the caption above; blocks in a cell are spaces; empty cells keep their place."""
    table = (
        "<table><caption>Doses</caption><thead><tr><th>Drug<th>mg<th>Days</thead>"
        "<tr><td>A<td>5<br>10<td><p>2</p><p>3</p><tr><td>B<td><td>4 m<sup>2</sup></table>"
    )
    assert extracted(table) == "Doses\nDrug | mg | Days\nA | 5 10 | 2 3\nB |  | 4 m^2"


def test_spanned_places_are_empty():
    """Columns stay below their heads."""
    table = (
        "<table><tr><th rowspan=2>Year<th colspan=2>Sold<tr><th>cars<th>vans<tr><td>2019<td>1<td>2</table>"
    )
    assert extracted(table) == "Year | Sold |\n | cars | vans\n2019 | 1 | 2"
    wild = "<table><tr><td colspan=99999999 rowspan=0>a<td rowspan=x>b<tr><td>c</table>"
    assert len(rows(HTMLTree.parse(wild).body.query_selector("table"))[0]) == 101


def test_a_table_in_a_figure_is_kept():
    """As editors of web pages write them; its caption is no part of the text."""
    table = "<table><tr><td>a<td>b<tr><td>c<td>d</table>"
    assert (
        extracted(f"<figure class=wp-block-table>{table}<figcaption>x</figcaption></figure>")
        == "a | b\nc | d"
    )


def test_a_table_that_lays_out_a_page_is_none_of_data():
    """Its cells are parts of the page: paragraphs stay apart, and a table of data within is one."""
    inner = "<table><tr><td>a<td>b<tr><td>c<td>d</table>"
    page = f"<table><tr><td><h2>Head</h2><p>One.</p><p>Two.</p>{inner}</td><td>side</td></tr></table>"
    text = extracted(page)
    assert "Head\n\nOne.\n\nTwo." in text
    assert "a | b\nc | d" in text
