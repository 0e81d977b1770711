import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from refinery.run.decide import RuleTally, StageTally, Tally
from refinery.run.removed import RemovedTally
from refinery.run.tallies import Tallies

COUNT = st.integers(0, 2**63 - 1)
TALLY = st.builds(Tally, COUNT, COUNT, COUNT)
REMOVED = st.dictionaries(st.sampled_from("abc"), st.builds(RemovedTally, *4 * [COUNT]), min_size=1)
STAGE = st.builds(
    StageTally,
    TALLY,
    TALLY,
    st.dictionaries(st.sampled_from("abc"), st.builds(RuleTally, TALLY, COUNT)),
    removed=st.dictionaries(st.sampled_from("de"), REMOVED),
)


@given(st.dictionaries(st.tuples(st.sampled_from(["one", "two"]), st.integers(0, 5)), STAGE))
def test_what_is_put_in_comes_out(found):
    """As of a dictionary, in any order, with later values in the place of earlier ones."""
    tallies = Tallies()
    tallies.update({key: StageTally(Tally(), Tally(), {}) for key in found})
    tallies.update(found)
    assert dict(tallies.items()) == found
    assert len(tallies) == len(found)
    for key in found:
        del tallies[key]
    assert not tallies


def test_a_shard_takes_some_hundred_bytes():
    """Of a stage with two rules, on ten thousand shards."""
    tracemalloc.start()
    try:
        tallies = Tallies()
        for shard in range(10_000):
            rules = {name: RuleTally(Tally(shard, shard * 1000, shard * 300), shard) for name in ("a", "b")}
            tallies["stage", shard] = StageTally(Tally(shard, 1, 2), Tally(1, 2, 3), rules)
        assert tracemalloc.get_traced_memory()[0] < 400 * 10_000
    finally:
        tracemalloc.stop()
