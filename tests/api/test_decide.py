"""Judging the rows of a table by rules."""

import pyarrow as pa
import pytest

import refinery
from refinery.errors import DefinitionError
from tests.api.tables import KINDS, in_form, rows_of
from tests.conftest import chinese_document, document

ROWS = {"words": [10, 60, 80, 90], "lang": ["en", "de", "en", "fr"]}
RULES = [{"long": "words >= 50", "short": "words < 85"}, {"english": "lang = 'en'"}]


@pytest.mark.parametrize("kind", KINDS)
def test_what_satisfies_every_rule_is_kept(kind):
    """On every kind of table, in order."""
    found = refinery.keep(in_form(kind, ROWS), RULES)
    assert rows_of(found) == [{"words": 80, "lang": "en"}]


@pytest.mark.parametrize("kind", KINDS)
def test_each_row_says_why(kind):
    """The first rule that failed and all that failed, for the kept row none."""
    found = rows_of(refinery.decide(in_form(kind, ROWS), RULES))
    assert [(row["rule"], row["failed"]) for row in found] == [
        ("long", ["long"]),
        ("english", ["english"]),
        (None, None),
        ("short", ["short", "english"]),
    ]


def test_texts_are_judged_too():
    """By what SQL says of the texts themselves; what is no table is refused."""
    assert refinery.keep(["short", "quite long"], {"long": "LENGTH(text) > 6"}).to_pydict() == {
        "text": ["quite long"]
    }
    with pytest.raises(TypeError, match="expected a pyarrow Table"):
        refinery.decide(3, "gopher")


@pytest.mark.parametrize("kind", KINDS)
def test_no_rule_keeps_every_row(kind):
    """And a table without rows stays one, with its columns."""
    assert rows_of(refinery.keep(in_form(kind, ROWS), [])) == rows_of(in_form(kind, ROWS))
    assert rows_of(refinery.decide(in_form(kind, {"words": []}), [])) == []


def test_null_is_not_kept():
    """As in a run; a rule may say otherwise."""
    table = pa.table({"words": [None, 60]})
    assert refinery.keep(table, {"long": "words >= 50"}).num_rows == 1
    assert refinery.keep(table, {"long": "words >= 50 OR words IS NULL"}).num_rows == 2
    assert refinery.keep(table.slice(0, 0), {"long": "words >= 50"}).num_rows == 0


def test_decisions_are_those_of_a_run(data_repository):
    """The stage and the rules of a run, on the columns that it measured."""
    file = data_repository / "pipeline.yaml"
    rules = [{"english": "lang = 'en' AND lang_score >= 0.5"}, "gopher"]
    file.write_text(
        file.read_text()
        .replace("  unique:\n    from: screened\n    dedup: {exact: true, near: {similarity: 0.8}}\n", "")
        .replace('      - long_enough: "words >= 50"', "      - gopher")
        .replace("from: unique", "from: screened")
    )
    output = refinery.run(file, workers=1, progress=False)["unique"]
    ran = output.decisions().collect()
    own = refinery.decide(output.measurements().collect(), rules)
    joined = ran.join(own, on=["source", "path", "row"], suffix="_own")
    assert len(joined) == len(ran) == 61
    assert joined["rule"].equals(joined["rule_own"])
    assert joined["failed"].to_list() == joined["failed_own"].to_list()
    assert joined["rule"].n_unique() > 2


def test_rule_sets_work_on_measured_tables():
    """By name, with some rules left out, and with their scope of languages."""
    table = refinery.measure([document(1, 2), chinese_document(3)], ["language", "signals"])
    assert refinery.decide(table, "gopher").column("rule").to_pylist() == ["gopher.short", None]
    left_out = {"rules": "gopher", "without": ["short"]}
    assert refinery.decide(table, [left_out]).column("rule").to_pylist() == [None, None]


def test_all_that_is_wrong_is_told_at_once():
    """Columns that are not there, predicates that are none, wrong entries; every rule by its name."""
    table = pa.table(ROWS)
    with pytest.raises(DefinitionError) as error:
        refinery.keep(table, [{"long": "wrods >= 50", "odd": "words >"}])
    assert error.value.problems[0] == 'long: no column "wrods"; did you mean "words"?'
    assert error.value.problems[1].startswith("odd: not a SQL expression")
    with pytest.raises(DefinitionError, match="no rule set is called 'gohper'"):
        refinery.keep(table, "gohper")
    with pytest.raises(DefinitionError, match=r"keep\.0\.withot: unknown key"):
        refinery.keep(table, [{"rules": "gopher", "withot": ["short"]}])
