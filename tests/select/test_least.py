"""Shares of the budget that values of a column have at least."""

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.select.batches import RULES
from tests.select.shards import DOCUMENTS, Shard, best_first, outcome_of, shards_of, walk


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    DOCUMENTS,
    st.integers(0, 60),
    st.integers(1, 200),
    st.dictionaries(st.sampled_from("abx"), st.integers(1, 33), min_size=1),
)
def test_shares_come_first(tmp_path_factory, documents, cut, budget, percents):
    """The best of each named host until it has its share, then the best of all; what lacks is told."""
    shards, work = shards_of(documents, min(cut, len(documents))), tmp_path_factory.mktemp("work")
    least = {"host": {host: f"{percent}%" for host, percent in percents.items()}}
    outcome = outcome_of(shards, work, tokens=budget, least=least)
    records = [one for n in range(outcome.dropped.partitions) for one in outcome.dropped.read(n)]
    order, wanted = best_first(documents), {h: int(budget * (p / 100)) for h, p in percents.items()}
    first, spent = [], dict.fromkeys(wanted, 0)
    for n in order:
        tokens, _, host = documents[n]
        if host in wanted and spent[host] < wanted[host]:
            first.append(n)
            spent[host] += tokens
    kept = walk([*first, *(n for n in order if n not in first)], documents, budget)
    assert {int(one["document"]) for one in records} == set(range(len(documents))) - kept
    has = {h: sum(documents[n][0] for n in kept if documents[n][2] == h) for h in wanted}
    told = {h for h in wanted if has[h] < 0.995 * wanted[h]}
    assert len(outcome.warnings) == len(told)
    for host in told:
        sentence = f"`least` asks for {wanted[host]} tokens of host {host}, and it has {has[host]}: "
        assert any(one.startswith(sentence) for one in outcome.warnings)


def test_a_share_can_be_met_where_limits_leave_room(tmp_path):
    """What is above a limit is gone before shares are filled, and a document counts for two of them."""
    documents = [(10, 1.0, "a"), (10, 0.9, "a"), (10, 0.8, "b"), (10, 0.1, "c")]
    (shard, _) = shards_of(documents, 4)
    shard = Shard(shard.table.append_column("year", pa.array([1, 1, 2, 2])))
    chosen = {
        "tokens": 20,
        "most": {"host": {"a": "50%"}},
        "least": {"host": {"c": "50%"}, "year": {2: "50%"}},
    }
    outcome = outcome_of([shard], tmp_path, **chosen)
    dropped = {int(one["document"]): RULES[one["rule"]] for one in outcome.dropped.read(0)}
    assert dropped == {1: "select.most", 0: "select.tokens"} and not outcome.warnings
    both = outcome_of(
        [shard], tmp_path / "b", tokens=20, most={"host": "50%"}, least={"year": {"1": "50%", "3": "1%"}}
    )
    assert both.warnings == ()
    (missed,) = outcome_of([shard], tmp_path / "c", tokens=100, least={"year": {"3": "10%"}}).warnings
    assert missed == "`least` asks for 10 tokens of year 3, and it has 0: no more arrive"
    (missed,) = outcome_of(
        [shard], tmp_path / "d", tokens=40, most={"host": {"a": "25%"}}, least={"year": {"1": "50%"}}
    ).warnings
    assert "20 tokens of year 1, and it has 10: of 20, `most` and other shares leave no more" in missed
