"""Everything about one document."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refinery
from refinery.report.explain import compare


def test_each_rule_has_its_values(tiny_run):
    """Of every stage that the document came to, those of sets too; the stage below is not there."""
    found = refinery.explain(tiny_run, "short2")
    assert [stage.stage for stage in found.stages] == ["screened"]
    rules = {rule.rule: rule for rule in found.stages[0].rules}
    assert rules["english"].passed
    assert (rules["long_enough"].passed, rules["long_enough"].values) == (False, {"words": 9})
    assert {"c4.lorem_ipsum", "c4.curly_bracket"} <= rules.keys()
    assert found.stages[0].dropped_by == "long_enough"


def test_all_that_was_measured(tiny_run):
    """The same values as the output's measurements have."""
    output = refinery.run(tiny_run, workers=1, progress=False)["unique"]
    row = output.measurements().filter(pl.col("id") == "en7").collect().row(0, named=True)
    found = refinery.explain(tiny_run, "en7").measured
    assert {"words", "lang", "density", "tokens"} <= found.keys()
    assert {name: row[name] for name in found} == dict(found)


def test_a_duplicate_beside_what_was_kept(tiny_run):
    """The kept document with its text, and the words that differ."""
    found = refinery.explain(tiny_run, "near3")
    assert found.duplicate is not None
    assert found.duplicate.id == "en3"
    assert [(one.ours.strip(), one.theirs.strip()) for one in found.differences] == [("that", "the")]


def test_by_its_place(tiny_run):
    """PATH:ROW, where ids are minted or stand twice."""
    assert refinery.explain(tiny_run, "notes.jsonl:0").document.text == "A note of some words."
    assert refinery.explain(tiny_run, "notes.jsonl:3").document.rule == "not_json"


def test_an_id_that_is_not_there(tiny_run):
    """Said with what else can be given."""
    with pytest.raises(refinery.InputError, match="no document of notes, crawl has this id"):
        refinery.explain(tiny_run, "nobody")


WORDS = st.lists(st.sampled_from(["a", "patient", "dose", "法律", "条", "\n"]), max_size=30).map(" ".join)


@given(WORDS, WORDS)
def test_differences_are_all_of_them(ours, theirs):
    """None for equal texts; the words that are told make up for the difference in length."""
    found = list(compare(ours, theirs))
    assert (not found) == (ours == theirs)
    assert sum(len(one.ours) - len(one.theirs) for one in found) == len(ours) - len(theirs)
