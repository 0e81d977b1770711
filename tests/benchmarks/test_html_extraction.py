"""The benchmark of extraction from web pages."""

import gzip
import json

import pytest
from html_extraction import BUILT_IN, read, scores, sheet


def test_nothing_of_the_built_in_pages_is_lost():
    """Each word of their content and none of what stands around it; resiliparse alone loses some."""
    found = {row[0]: row[1:4] for row in sheet("built in", list(BUILT_IN)).rows}
    assert found["refinery"] == ("1.0000",) * 3
    assert float(found["resiliparse"][1]) < 1


def test_both_public_sets_are_read(tmp_path):
    """Each in the form of its repository."""
    articles, tests = tmp_path / "articles", tmp_path / "readability"
    (articles / "html").mkdir(parents=True)
    (articles / "html" / "a.html.gz").write_bytes(gzip.compress(b"<p>one two</p>"))
    (articles / "ground-truth.json").write_text(json.dumps({"a": {"articleBody": "one two"}}))
    folder = tests / "test" / "test-pages" / "b"
    folder.mkdir(parents=True)
    (folder / "source.html").write_text("<nav>x</nav><p>one two</p>")
    (folder / "expected.html").write_text("<div><p>one <b>two</b></p></div>")
    assert [(page.name, page.gold) for path in (articles, tests) for page in read(path)] == [
        ("a", "one two"),
        ("b", "one two"),
    ]


def test_scores_are_of_words_as_bags():
    """Two of three found words are right, two of four true ones are found."""
    assert scores("a b x", "a b b c") == pytest.approx((2 / 3, 0.5, 4 / 7))
    assert scores("", "a") == (0.0, 0.0, 0.0)
