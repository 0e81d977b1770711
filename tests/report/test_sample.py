"""Which documents are shown."""

import polars as pl
import pytest

import refinery
from refinery.api.runs import plan
from refinery.errors import DefinitionError, InputError
from refinery.report.sample import Choice, choose
from refinery.run.finished import finished


@pytest.fixture(scope="module")
def looked(tiny_run):
    return finished(plan(tiny_run), "unique")


def ids(looked, **choice):
    return [one.decision["id"] for one in choose(looked, "unique", Choice(**choice))]


def decided(tiny_run):
    """The decisions as the output has them."""
    return pl.read_parquet(tiny_run.parent / "out.records" / "decisions-*.parquet")


@pytest.mark.parametrize("rule", ["english", "long_enough", "dedup.exact", "dedup.near"])
def test_what_a_rule_dropped(looked, tiny_run, rule):
    """All of them, where there are fewer than asked for, in the corpus's order, as the decisions say."""
    expected = decided(tiny_run).filter(pl.col("rule") == rule)["id"].to_list()
    assert expected
    assert ids(looked, dropped_by=rule) == expected


def test_what_a_set_or_a_stage_dropped(looked, tiny_run):
    """A name stands for all rules below it; a stage for all that it dropped."""
    known = decided(tiny_run)
    by_dedup = known.filter(pl.col("rule").str.starts_with("dedup."))["id"].to_list()
    assert ids(looked, dropped_by="dedup", documents=99) == by_dedup
    by_stage = known.filter(pl.col("stage") == "screened")["id"].to_list()
    assert ids(looked, dropped_by="screened", documents=99) == by_stage


def test_rejected_rows_are_shown_by_their_reason(looked):
    """They have no text and no id, but a row in their file."""
    found = choose(looked, "unique", Choice(dropped_by="null_text"))
    assert [(one.decision["path"], one.decision["row"]) for one in found] == [("notes.jsonl", 1)]
    assert found[0].position == -1


def test_a_sample_is_seeded(looked):
    """The same seed draws the same documents, a smaller sample is part of a larger one, another seed draws others."""
    first = ids(looked, kept=True, documents=5)
    assert first == ids(looked, kept=True, documents=5)
    assert set(first) < set(ids(looked, kept=True, documents=8))
    assert any(set(first) != set(ids(looked, kept=True, documents=5, seed=seed)) for seed in (1, 2))


def test_sql_over_what_is_measured_and_decided(looked):
    """Columns of measurements, derived ones, and those of decisions; NULL where a source does not have them."""
    assert ids(looked, where="words < 10 AND rule = 'long_enough'", documents=99) == [
        "short2",
        "short0",
        "short1",
    ]
    dense = ids(looked, where="density > 44 AND rule = 'long_enough'", documents=99)
    assert sorted(dense) == ["short14", "short15"]
    assert ids(looked, where="id LIKE 'copy%'", dropped_by="dedup") == ["copy0"]


def test_documents_about_a_limit(looked):
    """The closest above and below what a rule compares the column with, the highest first."""
    found = ids(looked, near="words", documents=4)
    assert found[2:] == ["short15", "short14"]
    assert ids(looked, near="words=10", documents=4)[1:3] == ["short3", "short2"]


def test_only_what_came_to_the_stage_is_near_its_limit(looked):
    """A document that no stage above had kept says nothing about a limit below."""
    found = choose(looked, "unique", Choice(near="words", documents=99))
    assert {one.decision["source"] for one in found} == {"crawl"}


@pytest.mark.parametrize(
    ("choice", "problem"),
    [
        ({"kept": True, "dropped_by": "english"}, "--kept, --dropped-by: give one of them"),
        ({"near": "wrds"}, "--near: no column 'wrds'; did you mean \"words\"?"),
        ({"near": "lang"}, "--near: 'lang' holds string, not numbers"),
        ({"near": "symbols"}, "--near: no rule compares 'symbols' with a number; give --near symbols=NUMBER"),
        ({"near": "words=many"}, "--near words=many: expected COLUMN=NUMBER"),
        ({"where": "wrds > 1"}, '--where: no column "wrds"; did you mean "words"?'),
    ],
)
def test_what_cannot_be_asked(looked, choice, problem):
    """One sentence with the nearest name or what to give."""
    with pytest.raises(DefinitionError) as error:
        choose(looked, "unique", Choice(**choice))
    assert error.value.problems == (problem,)


def test_a_rule_that_dropped_nothing(looked):
    """The rules that did are named, the nearest first."""
    with pytest.raises(InputError, match='dropped nothing; did you mean "long_enough"') as error:
        choose(looked, "unique", Choice(dropped_by="long_enogh"))
    assert "english 4" in str(error.value)
    with pytest.raises(InputError, match="english: it dropped 4 rows, but --where finds none of these"):
        choose(looked, "unique", Choice(dropped_by="english", where="words < 0"))


def test_a_run_that_is_not_there_or_has_changed(tiny_run, tmp_path):
    """Said with the field that differs, and what to do."""
    with pytest.raises(refinery.RunError, match="it was not run; run it"):
        finished(plan(tiny_run, work=tmp_path), "unique")
    other = tiny_run.with_name("other.yaml")
    other.write_text(tiny_run.read_text().replace("words >= 50", "words >= 51"))
    with pytest.raises(refinery.RunError, match=r"keep\.long_enough: words >= 50 -> words >= 51"):
        finished(plan(other), "unique")
