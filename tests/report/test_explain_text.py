"""What a pipeline says of a text that it has not read."""

import pytest

import refinery
from tests.conftest import document


def test_a_known_text_is_judged_as_the_run_judged_it(tiny_run):
    """Measured here, with the same values and verdicts as the document that the run read."""
    read = refinery.explain(tiny_run, "en7")
    found = refinery.explain(tiny_run, document(7), source="crawl")
    assert dict(found.measured) == dict(read.measured)
    assert found.stages[0].rules == read.stages[0].rules


def test_it_ends_where_a_rule_fails(tiny_run):
    """With the rule; stages below do not get it."""
    found = refinery.explain(tiny_run, "A few words are too few.", source="crawl")
    assert (found.document.outcome, found.document.rule) == ("dropped", "long_enough")
    assert [stage.stage for stage in found.stages] == ["screened"]


def test_what_all_documents_decide_is_open(tiny_run):
    """A dedup is not decided for one text."""
    found = refinery.explain(tiny_run, document(7), source="crawl")
    assert [(stage.stage, stage.decided) for stage in found.stages] == [("screened", True), ("unique", False)]


def test_an_unknown_source(tiny_run):
    """The nearest is named."""
    with pytest.raises(refinery.InputError, match='did you mean "crawl"'):
        refinery.explain(tiny_run, "some text", source="crowl")
