"""The columns of lines and paragraphs that SQL reads."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from refinery.filters.line_columns import COLUMNS, Parts, columns_of_parts
from refinery.filters.line_counts import Counted
from refinery.text.batch import TextBatch
from refinery.text.visible_lines import find_lines, paragraphs_of

PROSE = "This line is of ten words and it ends here now."
TEXTS = [f"Menu\n\n{PROSE}\n- An entry 12\n\nCOPYRIGHT", "", "See [a](b)\n说明。”"]


def parts(start: int = 0, stop: int | None = None, *, paragraphs: bool = False) -> Parts:
    batch = TextBatch.from_texts(TEXTS)
    lines = find_lines(batch)
    spans = paragraphs_of(lines) if paragraphs else lines
    prose = Parts(batch, spans, 0, len(spans)).is_prose
    counted = Counted(np.sort(lines.hash[[0, 3]]), np.array([7, 7]), 20)
    return Parts(batch, spans, start, len(spans) if stop is None else stop, prose, counted)


EXPECTED = {
    "text": ["Menu", PROSE, "- An entry 12", "COPYRIGHT", "See [a](b)", "说明。”"],
    "chars": [4, 47, 13, 9, 10, 4],
    "words": [1, 11, 3, 1, 2, 2],
    "letter_share": [1, 36 / 47, 7 / 13, 1, 5 / 10, 2 / 4],
    "digit_share": [0, 0, 2 / 13, 0, 0, 0],
    "upper_share": [1 / 4, 1 / 36, 1 / 7, 1, 1 / 5, 0],
    "punct_share": [0, 1 / 47, 1 / 13, 0, 4 / 10, 2 / 4],
    "links": [0, 0, 0, 0, 1, 0],
    "link_share": [0, 0, 0, 0, 6 / 10, 0],
    "terminal": [False, True, False, False, False, True],
    "bullet": [False, False, True, False, False, False],
    "from_top": [1, 2, 3, 4, 1, 2],
    "from_end": [4, 3, 2, 1, 2, 1],
    "position": [1 / 4, 2 / 4, 3 / 4, 1, 1 / 2, 1],
    "prose_above": [False, False, True, True, False, False],
    "prose_below": [True, False, False, False, False, False],
    "documents": [7, 1, 1, 7, 1, 1],
    "documents_share": [7 / 20, 1 / 20, 1 / 20, 7 / 20, 1 / 20, 1 / 20],
}


def test_each_column_of_lines():
    """By hand, of two documents."""
    assert parts().frame(EXPECTED).to_dict(as_series=False) == {
        name: pytest.approx(values) if isinstance(values[0], float) else values
        for name, values in sorted(EXPECTED.items())
    }
    assert columns_of_parts(paragraphs=False).keys() == EXPECTED.keys()


def test_columns_of_paragraphs():
    """The number of their lines is one; counts are of lines alone."""
    names = columns_of_parts(paragraphs=True).keys()
    assert names == EXPECTED.keys() - {"documents", "documents_share"} | {"lines"} <= COLUMNS.keys()
    found = parts(paragraphs=True).frame(["lines", "from_top", "terminal", "text"]).to_dict(as_series=False)
    assert found["lines"] == [1, 2, 1, 2]
    assert found["from_top"] == [1, 2, 3, 1]
    assert found["terminal"] == [False, False, False, True]
    assert found["text"][1] == f"{PROSE}\n- An entry 12"


def test_columns_have_their_types():
    """As rules are checked with them."""
    types = {name: pl.Series(pa.nulls(0, COLUMNS[name].type)).dtype for name in EXPECTED}
    assert dict(parts().frame(EXPECTED).schema) == dict(sorted(types.items()))


@pytest.mark.parametrize("start", range(6))
def test_a_block_of_lines_has_the_values_that_all_have(start):
    """Whatever lies before and after it."""
    whole = parts().frame(EXPECTED)
    assert parts(start, start + 1).frame(EXPECTED).equals(whole.slice(start, 1))
