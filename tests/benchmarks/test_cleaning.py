"""The benchmark of cleaning."""

import pyarrow as pa
import pyarrow.parquet as pq
from cleaning import RULES, SETS, kept, lines_of, lost, removed
from html_extraction import BUILT_IN, Page

PAGE = Page(
    "page",
    "<nav><p>Home</p><p>Skip to content</p></nav><p>The dose of ten milligrams is given once a day by mouth.</p>",
    "The dose of ten milligrams is given once a day by mouth.",
)


def test_lines_are_content_where_gold_has_their_words():
    """In their order; the set `web` finds one of the two others, `frame` both."""
    assert [content for _, content in lines_of(PAGE)] == [False, False, True]
    rows = {row[0]: row[1:5] for row in removed([PAGE]).rows}
    assert rows == {"web": ("1.000", "1.000", "1.000", 0), "web and frame": ("1.000", "1.000", "1.000", 0)}


def test_each_rule_set_judges_whole_and_cleaned_texts():
    """A row each; what is kept has more content once it is cleaned."""
    rows = kept([*BUILT_IN, PAGE]).rows
    assert [row[0] for row in rows] == [name for name in RULES for _ in range(1 + len(SETS))]


def test_good_text_is_compared_before_and_after(tmp_path):
    """One of two documents is changed."""
    file = tmp_path / "good.parquet"
    pq.write_table(pa.table({"text": ["All is well.", "All is well.\nHome"]}), file)
    first, *_ = lost([str(file)]).rows
    assert first[1:4] == ("web", 2, 1)
