"""The guards that a definition may set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from refinery.definition.guards import Guards, Limit


@pytest.mark.parametrize(
    ("written", "rejected"),
    [
        ("5%", Limit(stop="5%")),
        ("0%", Limit(stop="0%")),
        ({"warn": "5%"}, Limit(warn="5%")),
        ({"warn": "1%", "stop": "5%"}, Limit(warn="1%", stop="5%")),
        ("off", None),
        (False, None),
        (None, None),
    ],
)
def test_a_guard_is_a_share_or_both_shares_or_off(written, rejected):
    """YAML takes off for false; a bare share is that of the action that the guard has by itself."""
    assert Guards(rejected=written).rejected == rejected
    assert Guards(rejected=written).dedup_loss == Guards().dedup_loss
    assert Guards(budget_missed="5%").budget_missed == Limit(warn="5%")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (0.05, "shares are percentages: write 5%"),
        (True, "expected a percentage from 0%"),
        ("101%", "expected a percentage from 0% up to 100%"),
        ({}, "give `warn`, `stop` or both"),
        ({"wran": "1%"}, "Extra inputs are not permitted"),
        ({"warn": 3}, "write 3%"),
    ],
)
def test_what_is_no_guard(value, problem):
    """What to write is told."""
    with pytest.raises(ValidationError, match=problem):
        Guards(rejected=value)


@given(st.decimals(0, 100, places=2), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_limit_acts_above_its_shares(warn, stop, share):
    """At a share it does not; a run that is to stop is not only warned of; what is written is what is read."""
    limit = Limit(warn=f"{warn}%", stop=f"{stop}%")
    expected = "stop" if share > stop else "warn" if share > warn else None
    assert limit.action(float(share / 100)) == expected
    guards = Guards(rejected=limit, trusted_loss=False)
    assert Guards.model_validate(guards.model_dump(mode="json", exclude_defaults=True)) == guards
