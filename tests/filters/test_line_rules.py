"""Rules on lines: which one a line fails first."""

import pytest

from refinery.errors import DefinitionError, InputError
from refinery.filters.line_counts import COUNTED
from refinery.filters.line_rules import LineRules, line_rules
from refinery.filters.rules import OF_LINES, Rule, built_in_rule_sets, load_rule_set
from refinery.text.batch import TextBatch
from refinery.text.visible_lines import find_lines


def failed(rules: LineRules, text: str) -> list[int]:
    batch = TextBatch.from_texts([text])
    return rules.first_failed(batch, find_lines(batch)).tolist()


def test_the_first_rule_that_a_line_fails_is_the_reason():
    """In the order in which they are written; -1 where all hold."""
    rules = line_rules(({"short": "chars > 2"}, {"end": "terminal"}), "keep")
    assert failed(rules, "a\na.\nabc\nabc.\n\n") == [0, 0, 1, -1]
    assert failed(rules, "") == []
    assert rules.columns == {"chars", "terminal"}


def test_a_rule_that_values_break_is_named():
    """It is the user's."""
    rules = LineRules((Rule("odd", "CAST(text AS INT) > 1"),), frozenset({"text"}))
    with pytest.raises(InputError, match="rule odd"):
        failed(rules, "abc")


@pytest.mark.parametrize("name", built_in_rule_sets(OF_LINES))
def test_built_in_sets_are_sound_and_tell_what_they_are_for(name):
    """None needs lines to be counted."""
    rules = line_rules((name,), "keep")
    assert rules.rules
    assert not rules.columns & COUNTED
    assert load_rule_set(name, folder=OF_LINES).description


def test_all_that_is_wrong_is_told_together():
    """Each with its setting and its name."""
    with pytest.raises(DefinitionError) as found:
        line_rules(({"a": "x > 1", "b": "chars"},), "paragraphs")
    assert [problem.split(":")[:2] for problem in found.value.problems] == [
        ["paragraphs", " a"],
        ["paragraphs", " b"],
    ]
