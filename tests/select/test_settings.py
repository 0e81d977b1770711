"""What a definition says of `select`."""

import pytest
from pydantic import ValidationError

from refinery.select.settings import Settings


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"seed": 2}, "give `temperature`, `softdedup` or `curve`"),
        ({"temperature": 1, "curve": {}}, "`temperature` and `curve` exclude each other"),
        ({"curve": {}, "most": {"host": "5%"}}, "has no `most`; put it in a select above"),
        ({"curve": {"discard": "100%"}}, "less than 1"),
        ({"softdedup": 5, "by": "source"}, "no score to draw by"),
        ({"softdedup": 5, "by": "score ASC"}, "leave ASC out"),
        ({"by": "source", "temperature": 1}, "no score to draw by"),
        ({"temperature": 0}, "greater than 0"),
        ({"most": {"host": 5}}, "shares are percentages"),
        ({"most": {"host": {"a": 5}}}, "shares are percentages"),
        ({"least": {"host": "5%"}}, "a share of which of its values. write .VALUE: 5%"),
        ({"least": {"host": {}}}, "at least 1 item"),
        ({"least": {"host": {"a": "50%", "b": "50.5%"}}}, r"`least.host` add up to 100.5% of the budget"),
        (
            {"least": {"y": {2: "5%"}}, "most": {"y": {"2": "4%"}}},
            "'2' cannot have at least 5% and at most 4%",
        ),
        ({"least": {"y": {2: "5%"}}, "most": {"y": "4%"}}, "at least 5% and at most 4%"),
    ],
)
def test_what_cannot_be_meant_is_refused(chosen, message):
    """In the user's words."""
    with pytest.raises(ValidationError, match=message):
        Settings(**{"tokens": 10, "by": "score", **chosen})
