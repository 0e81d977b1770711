"""The `html` transform: pages that stand in a column."""

import sys

import pyarrow as pa
import pytest

from refinery.errors import DefinitionError
from refinery.filters import html

PAGE = "<html><body><nav>Menu</nav><article><p>The dose was 10<sup>6</sup>.</p><ul><li>Rash</ul></article>"


def texts_of(*texts):
    return pa.array(texts, pa.large_string())


def test_pages_become_their_text_and_the_rest_stays():
    """A document without a tag is none, NULL stays, and without any page the array is the very same."""
    found = html.build(html.Settings())(texts_of(PAGE, "a < b & c > d", None, "", "<p>é中</p>"))
    assert found.to_pylist() == ["The dose was 10^6.\n\n  • Rash", "a < b & c > d", None, "", "é中"]
    assert found.type == pa.large_string()
    plain = texts_of("a", None)
    assert html.Html()(plain) is plain
    assert html.Html()(texts_of("x", PAGE, PAGE).slice(1)).to_pylist() == found.to_pylist()[:1] * 2


def test_a_page_that_hangs_the_extractor_becomes_empty(monkeypatch):
    """It costs its time and no other document."""
    monkeypatch.setattr(html, "EXTRACTION_SECONDS", 1)
    found = html.Html()(texts_of("<div>" * 200_000, "<p>next</p>"))
    assert found.to_pylist() == ["", "next"]


def test_the_extractor_is_in_the_key():
    """With its version, and that of what is done beyond it."""
    assert html.Html().settings != html.Html("trafilatura").settings
    assert html.Html().settings["extractor_version"]
    assert html.Html().version == html.EXTRACTION


def test_an_extractor_that_is_not_installed_is_told(monkeypatch):
    """Before anything runs, with what to install."""
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    with pytest.raises(DefinitionError, match=r"pip install 'refinery\[clean\]'"):
        html.build(html.Settings(extractor="trafilatura"))
