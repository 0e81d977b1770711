"""The settings of the verb `passages`."""

import pytest

from refinery.dedup.passage_settings import Settings
from refinery.dedup.passages import Passages


def test_settings_that_contradict_each_other_are_refused():
    """One kind of passage, and no rest that could be the copy of another passage."""
    with pytest.raises(ValueError, match="one of `characters`, `tokens` and `paragraphs`"):
        Settings(characters=100, paragraphs=100)
    with pytest.raises(ValueError, match="more than the least length"):
        Settings(characters=100, rest=101)


def test_each_setting_is_part_of_the_key():
    """No two of these have the same outcome."""
    others = [
        {"rest": 30},
        {"prefer": ["year DESC"]},
        {"prefer": ["year DESC"], "missing": "last"},
        {"within": "host"},
    ]
    chosen = [
        {"paragraphs": 100},
        {"tokens": 100},
        {"characters": 90},
        *({"characters": 100} | one for one in [{}, *others]),
    ]
    found = [Passages(Settings.model_validate(one)).settings for one in chosen]
    assert all(one != other for n, one in enumerate(found) for other in found[:n])
    assert found[3] == Passages(Settings(characters=100, rest=100)).settings
    tokens = Passages(Settings(tokens=100))
    assert tokens.for_family("llama").settings != tokens.settings
