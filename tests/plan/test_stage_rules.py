"""The rules of a stage are looked up and checked against the columns that they see."""

from refinery.definition.load import load
from refinery.filters.rules import MAX_RULES, Rule
from refinery.plan import stage_rules
from refinery.plan.problems import Problems
from refinery.plan.stage_rules import rules_of, sql_of
from tests.conftest import PIPELINE
from tests.plan.test_resolve import problems, resolved


def test_no_more_rules_than_their_numbers_can_tell(tmp_path, monkeypatch):
    """Those of all entries of a stage together; a rule's number is stored in 16 bits."""
    assert MAX_RULES == 2**15 - 1
    monkeypatch.setattr(stage_rules, "MAX_RULES", 2)
    assert resolved(tmp_path, PIPELINE)
    third = '- long_enough: "words >= 50"\n      - short_enough: "words <= 5000"'
    text = PIPELINE.replace('- long_enough: "words >= 50"', third)
    assert problems(tmp_path, text) == ["11: stages.screened.keep: 3 rules in one stage; 2 is the most"]


def test_a_measurer_that_was_forgotten_is_named_once(tmp_path):
    """Not each column of each rule; a name that no measurer makes is told as before."""
    text = PIPELINE.replace("[language, signals]", "[language]").replace(
        "      - long", "      - gopher\n      - long"
    )
    assert problems(tmp_path, text) == [
        "13: stages.screened.keep.1: the measurer signals makes what its rules read: add signals to `measure`",
        "14: stages.screened.keep.2: the measurer signals makes what it reads: add signals to `measure`",
    ]
    assert "no column" in problems(tmp_path, text.replace("words >= 50", "wrods >= 50"))[1]


def test_what_is_implied_is_judged_first_and_keeps_its_name(tmp_path):
    """A rule that is called as an implied one is told."""
    graph = resolved(tmp_path, PIPELINE)
    definition = load(tmp_path / "pipeline.yaml")
    implied = [Rule("licences", "words > 0", source="its outputs")]
    entries = definition.pipeline.stages["screened"].keep
    found = Problems(definition.source, [])
    place, columns = ("stages", "screened"), graph.stages["screened"].columns
    rules = rules_of(place, entries, columns, definition.paths, found, implied=implied, incomplete=False)
    assert [rule.name for rule in rules] == ["licences", "english", "long_enough"]
    again = [*entries, {"licences": "words > 5"}]
    rules_of(place, again, columns, definition.paths, found, implied=implied, incomplete=False)
    assert [line.partition("screened.")[2] for line in found.found] == [
        "keep.2: two rules are called 'licences'"
    ]


def test_the_sql_of_a_stage_is_that_of_its_rules_and_derived_columns(tmp_path):
    """A rule set that is not there has none: that is told elsewhere."""
    (tmp_path / "pipeline.yaml").write_text(
        PIPELINE.replace("- english", "- gophre\n      - english"), "utf-8"
    )
    definition = load(tmp_path / "pipeline.yaml")
    stage = definition.pipeline.stages["screened"].model_copy(update={"derive": {"half": "words / 2"}})
    assert sql_of(stage, definition.paths) == [
        "words / 2",
        "lang = 'en' AND lang_score >= 0.5",
        "words >= 50",
    ]
