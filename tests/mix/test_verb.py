"""The verb `mix` over shards in memory, against plain arithmetic over lists."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from refinery.definition.paths import HERE
from refinery.mix.verb import Settings, build
from tests.mix.shards import MixedShard
from tests.select.shards import in_order

# tokens, score, and whether it comes by each part
DOCUMENTS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5), st.booleans(), st.booleans()), min_size=1, max_size=60
)


class Odd:
    """Holds out the documents with an odd score."""

    needed = ("score",)
    settings = ()

    @staticmethod
    def held_out(columns: pa.Table):
        return columns.column(0).to_numpy() % 2 == 1


def shards_of(documents: list, cut: int) -> list[MixedShard]:
    """The documents in two shards."""
    found = []
    for start, stop in ((0, cut), (cut, len(documents))):
        here = documents[start:stop]
        table = pa.table(
            {
                "tokens": pa.array([one[0] for one in here], pa.int64()),
                "score": pa.array([one[1] for one in here], pa.int64()),
            }
        )
        came = {name: frozenset(n for n, one in enumerate(here) if one[2 + k]) for k, name in enumerate("ab")}
        away = frozenset(n for n, one in enumerate(here) if not (one[2] or one[3]))
        found.append(MixedShard(table, first=start, away=away, came=came))
    return found


def mixed(shards: list[MixedShard], work, split=None, **chosen) -> tuple[dict[int, int], object]:
    """How many times each document that comes is written, and the outcome."""
    verb = build(Settings(**chosen), HERE)
    verb = verb.holding_out(split) if split else verb
    outcome = verb.run(shards, in_order, work)
    start, times = 0, {}
    for shard in shards:
        times |= {start + n: 1 for n in range(shard.rows) if n not in shard.away}
        start += shard.rows
    gone = [
        int(one["document"]) for n in range(outcome.dropped.partitions) for one in outcome.dropped.read(n)
    ]
    more = [
        (int(one["document"]), int(one["repeats"]))
        for n in range(outcome.repeats.partitions)
        for one in outcome.repeats.read(n)
    ]
    assert len({*gone, *(document for document, _ in more)}) == len(gone) + len(more)
    assert {*gone, *dict(more)} <= times.keys()
    return times | dict.fromkeys(gone, 0) | dict(more), outcome


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    DOCUMENTS,
    st.integers(0, 60),
    st.integers(1, 400),
    st.integers(1, 99),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([None, Odd()]),
)
def test_no_part_and_no_document_is_written_more_than_allowed(
    tmp_path_factory, documents, cut, tokens, percent, most, best, keep_total, split
):
    """Each part fills its share to within a document; documents of a part differ by one time at most."""
    by = {"by": "score"} if best else {}
    times, outcome = mixed(
        shards_of(documents, min(cut, len(documents))),
        tmp_path_factory.mktemp("work"),
        split,
        tokens=tokens,
        shares={"a": f"{percent}%", "b": f"{100 - percent}%"},
        most_repeats=dict(zip("ab", most, strict=True)),
        keep_total=keep_total,
        **by,
    )
    held = {n for n, one in enumerate(documents) if split and one[1] % 2}
    parts = {
        "a": [n for n, one in enumerate(documents) if one[2]],
        "b": [n for n, one in enumerate(documents) if one[3] and not one[2]],
    }
    written = {}
    for (name, mine), limit, part in zip(parts.items(), most, outcome.parts, strict=True):
        train = [n for n in mine if n not in held]
        unique = sum(documents[n][0] for n in train)
        assert (part.documents, part.filling, part.most) == (len(mine), unique, limit)
        assert part.tokens == sum(documents[n][0] for n in mine)
        written[name] = sum(documents[n][0] * times[n] for n in train)
        assert part.filled == written[name]
        counts = {times[n] for n in train if documents[n][0]}
        assert max(counts, default=0) <= limit
        assert max(counts, default=0) - min(counts, default=0) <= 1
        assert all(times[n] <= 1 for n in mine if n in held)
        largest = max((documents[n][0] for n in train), default=0)
        if not keep_total:
            assert min(part.wanted, unique * limit) - largest <= written[name] <= part.wanted
        if best and counts:
            low = [documents[n][1] for n in train if documents[n][0] and times[n] == min(counts)]
            high = [documents[n][1] for n in train if documents[n][0] and times[n] == max(counts)]
            assert len(counts) == 1 or min(high) >= max(low)
    assert sum(written.values()) <= tokens
    several = sum(one[2] and one[3] for one in documents)
    assert any(f"{several:,} documents come by several" in one for one in outcome.warnings) == (several > 0)


def test_the_choice_is_of_the_documents_alone(tmp_path):
    """However they are cut into shards, and with others beside; another seed chooses others."""
    documents = [(1, 0, True, False)] * 400
    found = [
        mixed(
            shards_of(documents, at),
            tmp_path / str(n),
            tokens=100,
            shares={"a": "90%", "b": "10%"},
            seed=seed,
        )[0]
        for n, (at, seed) in enumerate(((400, 1), (17, 1), (400, 2)))
    ]
    assert found[0] == found[1] != found[2]
    assert [Counter(one.values())[1] for one in found] == [90, 90, 90]


def test_a_wanting_part_is_made_up_for_only_when_asked(tmp_path):
    """Then the others give more, within what they may."""
    documents = [(10, 0, True, False)] * 5 + [(10, 0, False, True)] * 100
    given = {"tokens": 400, "shares": {"a": "50%", "b": "50%"}, "most_repeats": {"a": 2}}
    for keep_total, expected in ((False, (100, 200)), (True, (100, 300))):
        times, _ = mixed(shards_of(documents, 50), tmp_path / str(keep_total), keep_total=keep_total, **given)
        assert (sum(times[n] for n in range(5)) * 10, sum(times[n] for n in range(5, 105)) * 10) == expected


def test_a_part_without_a_document_is_told(tmp_path):
    """By the account of it, which the guard reads; nothing of it is written."""
    times, outcome = mixed(
        shards_of([(3, 0, False, True)], 1), tmp_path, tokens=9, shares={"a": "50%", "b": "50%"}
    )
    assert times == {0: 1}
    assert [(part.documents, part.wanted, part.filled) for part in outcome.parts] == [(0, 4, 0), (1, 4, 3)]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"shares": {"a": "50%", "b": "40%"}}, "add up to 90%; they must be 100%"),
        ({"shares": {"a": "100%"}, "most_repeats": {"aa": 2}}, "there is no part 'aa'; did you mean"),
        ({"shares": {"a": "100%"}, "most_repeats": 0}, "greater than or equal to 1"),
        ({"shares": {"a": "100%"}, "missing": "last"}, "`missing` is of `by`"),
        ({"shares": {"a": "100%"}, "by": "score", "seed": 2}, "`by` takes the best"),
        ({"shares": {"a": 1.0}}, "shares are percentages"),
        ({"shares": {}}, "at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(chosen, message):
    """In the user's words."""
    with pytest.raises(ValidationError, match=message):
        Settings(**{"tokens": 10, **chosen})
