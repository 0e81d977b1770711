"""Fingerprints."""

import dataclasses

import pytest

from refinery.plan.fingerprint import fingerprint
from refinery.select.verb import Settings


@dataclasses.dataclass(frozen=True)
class Pair:
    left: int
    right: str


def test_values_matter_and_key_order_does_not():
    """Equal content has an equal name, different content another."""
    assert fingerprint({"a": 1, "b": (1, 2)}) == fingerprint({"b": [1, 2], "a": 1})
    names = {fingerprint(x) for x in (1, "1", 1.5, None, [1], [[1]], {"a": 1}, Pair(1, "a"), Pair(1, "b"))}
    assert len(names) == 9


def test_models_count_by_content():
    """A pydantic model is named by its fields."""
    assert fingerprint(Settings(tokens=5, by="x")) != fingerprint(Settings(tokens=6, by="x"))


def test_what_has_no_canonical_form_is_refused():
    """An object whose text would change from run to run cannot slip into a fingerprint."""
    with pytest.raises(TypeError):
        fingerprint(object())
