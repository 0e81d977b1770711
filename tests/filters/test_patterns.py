"""The `patterns` measurer: counts of the user's own regular expressions."""

import pickle
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from refinery.errors import DefinitionError
from refinery.filters import patterns
from refinery.text.batch import TextBatch


def build(**settings):
    return patterns.build(patterns.Settings.model_validate(settings))


def counts(texts, **settings):
    return build(**settings)(TextBatch.from_texts(texts)).to_pydict()


def test_one_column_a_pattern_with_the_number_of_matches():
    """Flags stand inside the pattern; matches do not overlap; empty text has none."""
    texts = ["Lorem ipsum, lorem ipsum {", "", "aaaa {{"]
    found = counts(texts, lorem_ipsum="(?i)lorem ipsum", curly="[{]", pairs="aa")
    assert found == {"lorem_ipsum": [2, 0, 0], "curly": [1, 0, 2], "pairs": [0, 0, 2]}


@given(st.lists(st.text("ab漢1\n", max_size=20), max_size=5))
def test_counts_equal_those_of_the_standard_library(texts):
    """For patterns that both packages know, on any text."""
    for pattern in ["a+b", "[^a]", "(?m)^b", "漢|1", r"\d", "x*"]:
        assert counts(texts, p=pattern) == {"p": [len(re.findall(pattern, text)) for text in texts]}


def test_a_document_that_takes_too_long_has_no_count_and_the_others_have_theirs():
    """Endless backtracking gives NULL, which no rule keeps."""
    slow = {"regex": "(a+)+$", "timeout": 0.05}
    assert counts(["aa", "a" * 5000 + "b", "b"], slow=slow) == {"slow": [1, None, 0]}


def test_every_bad_pattern_is_reported_at_once_with_its_name_and_position():
    """Not a regular expression: which one, why and where."""
    with pytest.raises(DefinitionError) as caught:
        build(good="a", open="a(b", range="x[z-a]")
    assert caught.value.problems == (
        "patterns.open: not a regular expression: missing ) at character 3: a(b",
        "patterns.range: not a regular expression: bad character range at character 5: x[z-a]",
    )


def test_no_pattern_at_all_is_an_error():
    """An empty mapping would measure nothing."""
    with pytest.raises(DefinitionError, match="at least one column"):
        build()


@pytest.mark.parametrize(
    "settings", [{"two words": "a"}, {"1st": "a"}, {"x": ""}, {"x": {"regexp": "a"}}, {"x": 1}]
)
def test_a_name_that_is_no_identifier_and_a_value_that_is_no_pattern_are_refused(settings):
    """Column names must be usable in SQL without quotes."""
    with pytest.raises(ValidationError):
        patterns.Settings.model_validate(settings)


def test_settings_name_everything_and_the_measurer_can_be_pickled():
    """Fingerprints are made of patterns and timeouts; workers get a copy."""
    measurer = build(curly="[{]", slow={"regex": "a", "timeout": 2})
    assert measurer.settings == {
        "curly": {"regex": "[{]", "timeout": patterns.TIMEOUT},
        "slow": {"regex": "a", "timeout": 2.0},
    }
    assert measurer.schema.names == ["curly", "slow"]
    assert pickle.loads(pickle.dumps(measurer)) == measurer
