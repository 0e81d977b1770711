"""Front matter becomes columns; what only looks like it stays text."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.front_matter import FrontMatterError, split

WORDS = st.text(st.characters(categories=["L", "N", "P"]), max_size=20)  # PyYAML loses some others itself
PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | WORDS
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner), max_leaves=6
)
KEYS = st.from_regex(r"\A[a-z][a-z_]{0,8}\Z")


@given(columns=st.dictionaries(KEYS, VALUES, min_size=1, max_size=4), body=st.text(alphabet="ab -\n"))
def test_what_was_written_is_read(columns, body):
    """Any values that JSON has, as PyYAML writes them; blank lines before the text go."""
    written = yaml.safe_dump(columns, allow_unicode=True)
    assert split(f"---\n{written}---\n{body}") == (columns, body.lstrip("\n"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-02", "2024-01-02"),
        ("no", "no"),
        ("010", "010"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("-3", -3),
        ("2.50", 2.5),
        ("true", True),
        ("~", None),
        ("", None),
        ("[a, b]", ["a", "b"]),
        ("'7'", "7"),
    ],
)
def test_plain_values_are_those_of_json(value, expected):
    """A date is not another type in one file of a thousand, nor Norway false."""
    assert split(f"---\nkey: {value}\n---\nText")[0] == {"key": expected}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Text.",
        "---",
        "---\n\nProse after a rule.\n\n---\n\nMore.",
        "---\nkey: never closed\n",
        "--- key: value\n---\n",
        "Text\n---\nkey: value\n---\n",
        "---\nWho: he said, and: more\nnot a key\n----\n",
    ],
)
def test_other_dashes_are_text(text):
    """Rules before prose, a block that does not end, one that does not begin the file."""
    assert split(text) == ({}, text)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("title: A: b", "line 2: mapping values are not allowed here"),
        ("a: 1\nb: [1", "line 4: "),
        ("a: &x [1]\nb: [*x, *x]", "alias"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_keys_that_are_no_yaml_are_told(block, problem):
    """With the line in the file."""
    with pytest.raises(FrontMatterError, match=problem):
        split(f"---\n{block}\n---\nText")


def test_line_ends_of_windows_and_an_empty_block():
    """The block goes, and `...` ends it as well."""
    assert split("---\r\na: 1\r\n...\r\n\r\nText\r\n") == ({"a": 1}, "Text\r\n")
    assert split("---\n---\nText") == ({}, "Text")
