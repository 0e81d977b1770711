"""What is given in place of a stage's entries."""

from types import MappingProxyType

import pytest

from refinery.api.entries import entries_of
from refinery.definition.models import RuleSetUse
from refinery.errors import DefinitionError


def test_one_entry_needs_no_list():
    """A name or a mapping alone, and any kind of mapping."""
    assert entries_of("measure", "language") == ("language",)
    assert entries_of("keep", MappingProxyType({"long": "words > 5"})) == ({"long": "words > 5"},)
    assert entries_of("keep", {"rules": "gopher"}) == (RuleSetUse(rules="gopher"),)
    assert entries_of("transform", ()) == ()


@pytest.mark.parametrize(
    ("key", "given", "problem"),
    [
        ("measure", [3], "measure.0: expected a name, or one name with its settings"),
        (
            "measure",
            {"language": {}, "signals": {}},
            "measure.0: expected a name, or one name with its settings",
        ),
        ("transform", ["normalize", {"normalize": 3}], "transform.1: expected a name"),
        ("keep", [{"rules": "gopher", "withot": []}], 'keep.0.withot: unknown key; did you mean "without"'),
        ("keep", [{"long": 5}], "keep.0.long: input should be a valid string"),
    ],
)
def test_a_wrong_form_is_told_with_its_place(key, given, problem):
    """In the words that a definition gets."""
    with pytest.raises(DefinitionError) as error:
        entries_of(key, given)
    assert problem in str(error.value)
