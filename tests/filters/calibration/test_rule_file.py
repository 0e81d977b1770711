"""Rule files that calibrations write."""

from pathlib import Path

from refinery.filters.calibration.fit import calibrate
from refinery.filters.calibration.rule_file import moves, rule_file
from refinery.filters.rules import Rule, load_rule_set, resolve_rules
from tests.filters.calibration.samples import sample

COLUMNS = {"words": [20] * 60 + [80] * 540, "lines": [9] * 600, "lang": ["en"] * 600, "tokens": [100] * 600}


def _written(folder: Path, rules: list[Rule]) -> str:
    found = calibrate(sample(1, 600, **COLUMNS), None, rules, 0.01)
    (folder / "own.yaml").write_text(rule_file(found), "utf-8")
    return rule_file(found)


def test_a_rule_file_is_a_rule_set(tmp_path: Path) -> None:
    """It says what was published and what it costs; its rules are the moved ones, for the languages of their set."""
    rules = [
        Rule("gopher.short", "lang NOT IN ('en', 'und') OR (words >= 50)"),
        Rule("gopher.lined", "lang NOT IN ('en', 'und') OR (lines > 1 -- blank\n)"),
    ]
    text = _written(tmp_path, rules)
    assert "words >= 50 -> 20; loses 0.00% of trusted documents, published 10.00%" in text
    found = load_rule_set(str(tmp_path / "own.yaml"))
    assert found.languages == ("en",)
    assert [(rule.name, rule.predicate) for rule in found.rules] == [
        ("own.short", "words >= 20"),
        ("own.lined", "lines > 1 -- blank"),
    ]
    assert found.rules[0].source == "gopher.short, calibrated from words >= 50"
    again = resolve_rules([str(tmp_path / "own.yaml")])
    assert [rule.predicate for rule in again] == [rules[0].predicate.replace("50", "20"), rules[1].predicate]


def test_rules_of_several_sets_keep_their_scopes_and_names(tmp_path: Path) -> None:
    """Where scopes differ they stand in the predicates; where names clash the set's is part of it."""
    _written(
        tmp_path,
        [Rule("a.short", "lang NOT IN ('de', 'und') OR (words >= 50)"), Rule("b.short", "lines > 1")],
    )
    found = load_rule_set(str(tmp_path / "own.yaml"))
    assert [rule.name for rule in found.rules] == ["own.a_short", "own.b_short"]
    assert found.languages is None
    assert found.rules[0].predicate == "lang NOT IN ('de', 'und') OR (words >= 50)"


def test_only_what_moved_is_told_as_moved() -> None:
    """Of BETWEEN the one number that moved."""
    found = calibrate(sample(1, 600, **COLUMNS), None, [Rule("long", "words BETWEEN 50 AND 900")], 0.01)
    assert list(moves(found.rules[0])) == ["words >= 50 -> 20"]


def test_a_file_promises_only_what_its_documents_tell() -> None:
    """Of few documents, and of those that fail whatever thresholds are; in its head and in its description."""
    rules = [Rule("long", "words >= 50")]
    enough = rule_file(calibrate(sample(1, 600, **COLUMNS), None, rules, 0.01))
    assert "# By all of them together at most 1.00% of it is lost (600 documents" in enough
    assert 'description: "rules with thresholds that lose 1.00% of trusted text at most"' in enough
    few = rule_file(calibrate(sample(1, 5, words=[20] * 5), None, rules, 0.01))
    others = rule_file(calibrate(sample(1, 600, **COLUMNS), None, [Rule("no", "words <> 20")], 0.01))
    for text, size in ((few, "5"), (others, "600")):
        assert f"# They do not tell that at most 1.00% of it is lost ({size} documents" in text
        assert f"thresholds moved for {size} trusted documents" in text
    assert "Give 460 trusted documents or more, 230 a half" in few
