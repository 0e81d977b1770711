"""The `unwrap` transform."""

import textwrap

import pyarrow as pa

from refinery.filters import registry

TEXT = "A text of some words that was broken at a margin of so many characters, and more than once. " * 3


def test_texts_are_joined_and_null_stays():
    """An array of which nothing changes is the very same; what was joined stays as it is."""
    unwrap = registry.transform("unwrap", {})
    text = pa.array([textwrap.fill(TEXT, 60), None, "a\nb"], pa.large_string())
    found = unwrap(text)
    assert found.to_pylist() == [TEXT.strip(), None, "a\nb"]
    assert unwrap(found) is found
    assert found.type == pa.large_string()


def test_it_has_no_settings():
    """Its version alone says what it does."""
    unwrap = registry.transform("unwrap", {})
    assert (unwrap.settings, unwrap.version, unwrap.counter) == ({}, 1, None)
