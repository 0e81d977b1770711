"""Documents in the terminal."""

from dataclasses import replace

import pytest
from rich.cells import cell_len

import refinery
from refinery.report.show import lines_of, values_text


@pytest.mark.parametrize("width", [40, 80])
def test_lines_fit_the_terminal(tiny_run, width):
    """In cells, of which a Chinese character takes two."""
    for document in refinery.show(tiny_run, n=99):
        assert all(cell_len(line) <= width for line in lines_of(document, 0, width))


def test_what_decided_is_said(tiny_run):
    """Place, outcome, limit, value, and the beginning of the text."""
    (document,) = refinery.show(tiny_run, where="id = 'short2'")
    assert list(lines_of(document, 11, 80)) == [
        f"crawl: {document.path}, row {document.row}, id short2",
        "  dropped by screened: long_enough",
        "    long_enough: words >= 50",
        "    words = 9",
        "  | A few  word",
        f"  | … ({len(document.text)} characters)",
    ]


def test_a_text_cannot_command_the_terminal(tiny_run):
    """Its control codes are shown as escapes."""
    (document,) = refinery.show(tiny_run, where="id = 'short2'")
    lines = list(lines_of(replace(document, text="red \x1b[31m alert"), 0, 80))
    assert lines[-1] == r"  | red \x1b[31m alert"


def test_values_are_short():
    """Floats by six digits; NULL is said."""
    assert values_text({"a": 1 / 3, "b": None, "c": "x"}) == "a = 0.333333, b is NULL, c = x"
