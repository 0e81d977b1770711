"""Errors of pydantic in a user's words."""

import pickle
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, StringConstraints, Tag

from refinery.definition.validate import Invalid, validate
from refinery.definition.values import Name


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = Field(3, gt=0)
    label: int | str | None = None


class Leaves(RootModel[dict[Name, Leaf]]):
    pass


def kind(value):
    return "leaf" if isinstance(value, dict) else "text"


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")

    from_: str = Field(alias="from")
    leaf: Leaf | None = None
    share: float | None = None
    leaves: dict[Name, Leaf] = {}
    rooted: Leaves | None = None
    codes: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")], ...] = ()
    mixed: tuple[
        Annotated[Annotated[str, Tag("text")] | Annotated[Leaf, Tag("leaf")], Discriminator(kind)], ...
    ] = ()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, [((), "the key 'from' is missing")]),
        ({"form": "x", "from": "y"}, [(("form",), 'unknown key; did you mean "from"?')]),
        ({"from": 3}, [(("from",), "input should be a valid string, got 3")]),
        ({"from": "x", "leaf": {"siz": 1}}, [(("leaf", "siz"), 'unknown key; did you mean "size"?')]),
        ({"from": "x", "leaf": 5}, [(("leaf",), "expected a mapping with the keys size, label")]),
        ({"from": "x", "leaf": {"size": 0}}, [(("leaf", "size"), "input should be greater than 0, got 0")]),
        (
            {"from": "x", "leaves": {"a": {"siz": 1}}},
            [(("leaves", "a", "siz"), 'unknown key; did you mean "size"?')],
        ),
        (
            {"from": "x", "leaves": {"a b": {}}},
            [(("leaves", "a b"), "expected a name: letters, digits, _ and -, a letter first")],
        ),
        (
            {"from": "x", "rooted": {"b": {"siz": 1}}},
            [(("rooted", "b", "siz"), 'unknown key; did you mean "size"?')],
        ),
        ({"from": "x", "codes": ["en", "english"]}, [(("codes", 1), "expected an ISO 639 code such as en")]),
        (
            {"from": "x", "mixed": ["a", {"siz": 1}]},
            [(("mixed", 1, "siz"), 'unknown key; did you mean "size"?')],
        ),
        ({"from": "x", "leaves": [1]}, [(("leaves",), "input should be a mapping")]),
        ({"from": "x", "codes": "en"}, [(("codes",), "expected a list: write [en]")]),
        ({"from": "x", "share": "80%"}, [(("share",), "no percentage but a number, such as 0.8, got '80%'")]),
        (
            {"leaf": {"label": [], "size": -1}},
            [
                ((), "the key 'from' is missing"),
                (("leaf", "size"), "input should be greater than 0, got -1"),
                (("leaf", "label"), "input should be a valid integer"),
                (("leaf", "label"), "input should be a valid string"),
            ],
        ),
    ],
)
def test_every_problem_has_its_place_in_the_data(content, found):
    """Keys by the name they are written with, without pydantic's own words; the nearest key of that very mapping."""
    with pytest.raises(Invalid) as caught:
        validate(Tree, content)
    assert list(caught.value.found) == found


def test_the_error_travels_and_reads_alone():
    """From a worker by pickle; places before the sentences where no file is known."""
    with pytest.raises(Invalid) as caught:
        validate(Tree, {"from": 1, "leaf": {"a": 1}})
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.found == caught.value.found
    assert str(again).splitlines()[1] == "leaf.a: unknown key; there is label, size"


def test_sound_data_becomes_the_model():
    """By the names that are written."""
    assert validate(Tree, {"from": "x", "mixed": ["a", {"size": 2}]}).mixed == ("a", Leaf(size=2))
