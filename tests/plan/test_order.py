from hypothesis import given
from hypothesis import strategies as st

from refinery.plan.order import in_rounds

NAMES = st.sampled_from("abcdefgh")


@given(st.dictionaries(NAMES, st.sets(NAMES, max_size=3)))
def test_rounds_are_those_of_asking_again_and_again(needs):
    """The same as to take all that are ready, until none is, in the mapping's order."""
    expected: list[str] = []
    waiting = dict(needs)
    while ready := [name for name, needed in waiting.items() if needed <= set(expected)]:
        expected += ready
        for name in ready:
            del waiting[name]
    assert in_rounds(needs) == expected


def test_a_long_chain_is_no_more_work_than_its_links():
    """20,000 in a row, in the wrong order."""
    needs = {str(n): {str(n + 1)} for n in range(20_000)} | {"20000": set()}
    assert in_rounds(needs) == [str(n) for n in range(20_000, -1, -1)]
