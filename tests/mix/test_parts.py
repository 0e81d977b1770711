"""The arithmetic of a mix."""

from hypothesis import given
from hypothesis import strategies as st

from refinery.mix.parts import epochs, planned_tokens, wanted_tokens

SHARES = st.lists(st.integers(1, 1000), min_size=1, max_size=6).map(
    lambda parts: [round(part / sum(parts), 4) for part in parts]
)


@given(st.integers(1, 10**13), SHARES)
def test_shares_are_never_more_than_the_total(tokens, shares):
    """Each is rounded down, by less than a token."""
    for share, wanted in zip(shares, wanted_tokens(tokens, shares), strict=True):
        assert abs(wanted - tokens * share) <= 1 + tokens * 1e-15


@given(
    st.lists(st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)), min_size=1, max_size=6), st.booleans()
)
def test_no_part_gives_more_than_it_has(parts, keep_total):
    """Nor do all together give more than is asked for; with `keep_total` they give that if there is so much."""
    wanted, most = map(list, zip(*parts, strict=True))
    planned = planned_tokens(wanted, most, keep_total=keep_total)
    assert all(0 <= given <= there for given, there in zip(planned, most, strict=True))
    assert all(given >= min(pair) for given, *pair in zip(planned, wanted, most, strict=True))
    assert sum(planned) <= sum(wanted)
    if not keep_total:
        assert all(given <= asked for given, asked in zip(planned, wanted, strict=True))
    else:
        able = sum(there for asked, there in zip(wanted, most, strict=True) if asked)
        assert sum(planned) > min(sum(wanted), able) - len(parts)


def test_what_one_lacks_the_others_give_in_proportion():
    """As far as they have it: the third of the parts is full, so the second gives the rest."""
    assert planned_tokens([500, 300, 200], [100, 10_000, 230]) == [100, 300, 200]
    assert planned_tokens([500, 300, 200], [100, 10_000, 10_000], keep_total=True) == [100, 540, 360]
    assert planned_tokens([500, 300, 200], [100, 10_000, 230], keep_total=True) == [100, 670, 230]
    assert planned_tokens([500, 500], [100, 200], keep_total=True) == [100, 200]


@given(st.integers(0, 10**13), st.integers(0, 10**12))
def test_epochs_spend_what_is_planned(planned, unique):
    """Whole ones, and a rest that is less than one."""
    whole, rest = epochs(planned, unique)
    assert (whole * unique + rest, rest < unique) == (planned, True) if unique else (whole, rest) == (0, 0)
