"""The `replace` transform: matches of a regular expression become another text."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DefinitionError
from refinery.filters import registry


def replaced(pattern: str, replacement: str, *texts: str | None):
    transform = registry.transform("replace", {"pattern": pattern, "with": replacement})
    return transform(pa.array(texts, pa.large_string()))


@pytest.mark.parametrize(
    ("pattern", "replacement", "text", "left"),
    [
        (r"\[[0-9]+\]", "", "as shown [12][3].", "as shown ."),
        (r"(?i)copyright (\d+)", "© $1", "Copyright 2020 x", "© 2020 x"),
        (r"(?P<unit>mg)", "${unit}s", "5 mg", "5 mgs"),
        ("cost", "$$5", "the cost", "the $5"),
        (r"(?m)^#+ ", "", "# a\n## b", "a\nb"),
        ("第(.)条", "§$1", "第三条", "§三"),
        ("(a)", "${1}x$0 $ $-", "a", "axa $ $-"),
    ],
)
def test_every_match_is_replaced(pattern, replacement, text, left):
    """Groups by number or name; flags inside."""
    assert replaced(pattern, replacement, text, None).to_pylist() == [left, None]


@given(
    st.lists(st.text("ab1é\n"), max_size=4),
    st.sampled_from(["a", "[ab]+", "a|é1", "b\n"]),
    st.sampled_from(["", "x"]),
)
def test_texts_are_those_of_re(texts, pattern, replacement):
    """For patterns that both have."""
    assert replaced(pattern, replacement, *texts).to_pylist() == [
        re.sub(pattern, replacement, one) for one in texts
    ]


def test_an_array_without_a_match_is_the_same_array():
    """And of the type that it has."""
    text = pa.array(["b", None], pa.large_string())
    assert registry.transform("replace", {"pattern": "a", "with": ""})(text) is text
    assert replaced("b", "", "b").type == pa.large_string()


def test_a_pattern_that_backtracks_elsewhere_takes_no_time():
    """2^40 steps in an engine that backtracks."""
    assert replaced("(a+)+$", "x", "a" * 40 + "b").to_pylist() == ["a" * 40 + "b"]


def test_its_identity_is_the_pattern_and_what_takes_its_place():
    """Each changes the text."""
    of = [
        registry.transform("replace", {"pattern": pattern, "with": text}).settings
        for pattern, text in [("a", ""), ("b", ""), ("a", "x")]
    ]
    assert len({str(one) for one in of}) == 3


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"pattern": "(a", "with": ""}, "not a regular expression: unclosed group"),
        (
            {"pattern": "(?<!a)b", "with": ""},
            "look-around.* is not supported .the engine takes time that grows",
        ),
        (
            {"pattern": "(a)", "with": "$1x"},
            r"no group \"1x\": write \$\{1\}x for group 1 with \"x\" behind it",
        ),
        (
            {"pattern": "(a)(?P<n>b)", "with": "$3"},
            r"no group \"3\": it has 1, 2, n; \$0 is all that is found",
        ),
        ({"pattern": "a", "with": "${name}"}, r"no group \"name\": it has none"),
        ({"pattern": "(?P<n>a)", "with": "$n_"}, r"write \$\{n\}_ for group n"),
        ({"pattern": "cost", "with": "$5"}, r"\$\$ a dollar"),
        ({"pattern": "a*", "with": "x"}, "finds the empty text"),
        ({"pattern": "", "with": "x"}, "pattern"),
        ({"pattern": "a"}, "with"),
    ],
)
def test_wrong_settings(settings, problem):
    """Each is told before any work."""
    with pytest.raises(DefinitionError, match=problem):
        registry.transform("replace", settings)
