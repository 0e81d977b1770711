"""YAML as data."""

import pytest

from refinery.definition.yaml import parse
from refinery.errors import DefinitionError


def test_places_of_keys_and_items():
    """Every key and list item has its line; an unknown path has the line of the nearest one above."""
    parsed = parse("a:\n  - x\n  - {b: 1}\nc: 2\n", "f.yaml")
    assert [parsed.line(place) for place in [("a",), ("a", 1, "b"), ("c",), ("a", 1, "missing")]] == [
        1,
        3,
        4,
        3,
    ]
    assert parsed.content == {"a": ["x", {"b": 1}], "c": 2}


def test_aliases_cost_no_more_than_their_text():
    """Aliases of aliases, which would unfold to 10^15 items, are walked once."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 15)]
    assert parse("\n".join(lines), "f.yaml").line(("a14",)) == 15


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "!!python/object/apply:os.getcwd []", "[" * 5000])
def test_what_is_not_plain_yaml_is_refused(text):
    """Broken YAML, Python tags and absurd nesting are definition errors with a line."""
    with pytest.raises(DefinitionError, match=r"^f\.yaml:1: not valid YAML"):
        parse(text, "f.yaml")


def test_a_key_is_a_name_whatever_yaml_takes_it_for():
    """`on` and `no` among them, which YAML 1.1 takes for truth values; a value stays one."""
    assert parse("join: {on: on, no: 1}", "x").content == {"join": {"on": True, "no": 1}}
