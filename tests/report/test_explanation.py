"""An explanation in the terminal."""

from dataclasses import replace

from rich.cells import cell_len

import refinery
from refinery.filters.measurer import RemovedPart
from refinery.report.explain import CutPassage
from refinery.report.explanation import explanation_lines


def test_it_fits_the_terminal(tiny_run):
    """With a duplicate side by side, in English and in Chinese."""
    for name in ("near3", "zh1", "en3", "notes.jsonl:1"):
        lines = list(explanation_lines(refinery.explain(tiny_run, name), 100, 80))
        assert all(cell_len(line) <= 80 for line in lines), name


def test_it_names_what_failed_and_what_differs(tiny_run):
    """A rule that failed, its limit and value; both texts where they differ."""
    short = "\n".join(explanation_lines(refinery.explain(tiny_run, "short2"), 100, 80))
    assert "FAILED long_enough: words >= 50   (words = 9)" in short
    near = list(explanation_lines(refinery.explain(tiny_run, "near3"), 100, 80))
    assert any("[that]" in line.partition(" | ")[0] for line in near)
    assert any("[the]" in line.partition(" | ")[2] for line in near)


def test_it_names_what_was_cut_and_by_which_rule(tiny_run):
    """A line of the terminal each, the first dozen of them."""
    found = refinery.explain(tiny_run, "short2")
    cuts = tuple(RemovedPart("web.sharing", f"Share\nthis {number}") for number in range(15))
    stage = replace(found.stages[0], cuts=cuts)
    lines = list(explanation_lines(replace(found, stages=(stage,)), 100, 80))
    assert "  cut by web.sharing: Share this 0" in lines
    assert sum("cut by" in line for line in lines) == 12
    assert "  and 3 more cuts (--json has them all)" in lines


def test_passages_beyond_a_dozen_are_counted(tiny_run):
    """Those that verbs cut, and those that it has of the document it went for."""
    found = refinery.explain(tiny_run, "near3")
    cut = tuple(CutPassage("clean", "passages.characters", f"No. {number}", None) for number in range(14))
    many = replace(found, cut=cut, shared=tuple(f"passage {number}" for number in range(13)))
    lines = list(explanation_lines(many, 100, 80))
    assert sum(line.startswith("cut by clean") for line in lines) == 12
    assert "  and 2 more passages (--json has them all)" in lines
    assert "  and 1 more (--json has them all)" in lines
