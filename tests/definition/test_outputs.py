"""What may be written of outputs."""

import pytest
from pydantic import ValidationError

from refinery.definition.outputs import Output


def test_a_shuffle_is_a_seed_or_null():
    """`false` would pass for the seed 0, and shuffle."""
    with pytest.raises(ValidationError, match="shuffle"):
        Output.model_validate({"from": "a", "path": "out", "shuffle": False})
    assert Output.model_validate({"from": "a", "path": "out", "shuffle": None}).shuffle is None
    assert Output.model_validate({"from": "a", "path": "out"}).shuffle == 1
