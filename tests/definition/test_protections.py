"""What may be written of near copies and of what is protected."""

import pytest
from pydantic import ValidationError

from refinery.definition.protections import NearCopies, Overlap, Protected


def test_words_are_not_counted_in_shingles_of_characters():
    """By characters, `words` has no meaning; by words, `chars` is of unspaced scripts."""
    with pytest.raises(ValidationError, match="those by characters have `chars`"):
        NearCopies(by="characters", words=5)
    assert NearCopies(chars=9).by == "words"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "give `from`, sources, or `benchmark`"),
        ({"from": "a", "benchmark": "b"}, "one of them"),
        ({"from": "a", "columns": ["question"]}, "`columns` are of a `benchmark`"),
        ({"from": "a", "exact": False, "near": None}, "neither exact, near nor overlap"),
    ],
)
def test_what_is_protected_has_one_origin_and_some_way(given, problem):
    """In the user's words."""
    with pytest.raises(ValidationError, match=problem):
        Protected.model_validate(given)


def test_an_overlap_is_a_way_too():
    """With its defaults: 13 words, 20 characters, half of an item."""
    assert (
        Protected.model_validate({"from": "a", "exact": False, "near": None, "overlap": {}}).overlap
        == Overlap()
    )
