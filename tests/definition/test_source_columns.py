"""What a definition says of the columns of a source."""

import pytest

from refinery.definition.source_columns import Join
from refinery.definition.validate import Invalid, validate


@pytest.mark.parametrize(
    ("on", "keys"),
    [
        ("pmcid", (("pmcid",), ("pmcid",))),
        ({"case.number": "docket"}, (("case.number",), ("docket",))),
        (["court", "number"], (("court", "number"),) * 2),
        ({"court": "gericht", "number": "az"}, (("court", "number"), ("gericht", "az"))),
    ],
)
def test_a_key_has_one_name_or_two_of_one_column_or_several(on, keys):
    """That of the documents first."""
    join = validate(Join, {"path": "a.csv", "on": on, "columns": {"court": None}})
    assert (join.keys, join.path, join.missing) == (keys, ("a.csv",), None)


@pytest.mark.parametrize(
    "wrong", [{"on": ""}, {"on": []}, {"on": {}}, {"on": ["a", "a"]}, {"columns": {}}, {"missing": "drop"}]
)
def test_what_is_wrong_is_told_at_its_key(wrong):
    """A key of no column or of one twice among it."""
    with pytest.raises(Invalid) as raised:
        validate(Join, {"path": "a.csv", "on": "id", "columns": {"court": "string"}, **wrong})
    assert raised.value.found[0][0][0] in wrong
