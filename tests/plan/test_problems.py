"""Problems of a definition are gathered with their places."""

import pytest

from refinery.definition.validate import Invalid
from refinery.definition.yaml import parse
from refinery.errors import DefinitionError
from refinery.plan.problems import Problems

TEXT = "a:\n  b: 1\n  c: 2\n"


@pytest.fixture
def problems() -> Problems:
    """Of a file of three lines."""
    return Problems(parse(TEXT, "p.yaml"), [])


def test_a_message_has_its_file_line_and_path(problems):
    """Also one that is told inside a location."""
    problems.add(("a", "c"), "too small", "too odd")
    problems.inside(("a",))(("b",), "too large")
    assert problems.found == [
        "p.yaml:3: a.c: too small",
        "p.yaml:3: a.c: too odd",
        "p.yaml:2: a.b: too large",
    ]


def test_what_fails_is_told_and_what_does_not_is_given(problems):
    """Errors in settings have places of their own; a bug is no problem of a definition."""

    def fail(error: Exception) -> None:
        raise error

    assert problems.attempt(("a",), lambda: 7) == 7
    assert problems.attempt(("a",), lambda: fail(DefinitionError("one", "two"))) is None
    assert problems.attempt(("a",), lambda: fail(Invalid((("b",), "three")))) is None
    assert problems.found == ["p.yaml:1: a: one", "p.yaml:1: a: two", "p.yaml:2: a.b: three"]
    with pytest.raises(ZeroDivisionError):
        problems.attempt(("a",), lambda: 1 // 0)
