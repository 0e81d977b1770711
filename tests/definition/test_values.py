"""Values that may be written in a definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from refinery.definition.values import Share
from refinery.select.verb import Settings as Select

SHARE = TypeAdapter(Share)


@pytest.mark.parametrize(
    ("written", "share"), [("20%", 0.2), ("0.1%", 0.001), (" 100 % ", 1.0), ("7%", 0.07)]
)
def test_shares_are_percentages(written, share):
    """Exactly the number that they say."""
    assert SHARE.validate_python(written) == share


@given(st.decimals(min_value="0.0001", max_value=100, places=4))
def test_a_share_is_written_as_it_is_read(percent):
    """What a manifest says of a definition can be run."""
    share = SHARE.validate_python(f"{percent:f}%")
    assert SHARE.validate_python(SHARE.dump_python(share, mode="json")) == share


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0.2, "write 20%"),
        (1, "write 100%"),
        (20, "write 20%"),
        (0.005, r"write 0\.5%"),
        ("0%", "expected a percentage"),
        ("101%", "expected a percentage"),
        ("20", "expected a percentage"),
        (True, "expected a percentage"),
    ],
)
def test_what_is_no_share(value, problem):
    """A bare number says neither; what to write is told."""
    with pytest.raises(ValidationError, match=problem):
        SHARE.validate_python(value)


@pytest.mark.parametrize(
    ("written", "tokens"),
    [
        ("1e9", 10**9),
        ("2.5E6", 2_500_000),
        (1e9, 10**9),
        ("1.1B", 1_100_000_000),
        ("1_000", 1000),
        ("2e3M", 2 * 10**9),
    ],
)
def test_a_budget_may_be_written_with_an_exponent(written, tokens):
    """YAML gives 1e9 as text and 1.0e+9 as a number; no digit is lost."""
    assert Select(tokens=written, by="tokens").tokens == tokens
