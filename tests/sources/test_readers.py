"""The table of formats: each one that a definition may name has a reader."""

from typing import get_args

from refinery.sources.documents import Format
from refinery.sources.readers import READERS


def test_each_format_of_a_definition_has_a_reader():
    """And none has one that cannot be named."""
    assert READERS.keys() | {"auto"} == set(get_args(Format))
