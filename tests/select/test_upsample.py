"""The upsampling curve over shards in memory."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from refinery.definition.paths import HERE
from refinery.errors import InputError
from refinery.select.batches import RULES
from refinery.select.curve import fit
from refinery.select.settings import Settings
from refinery.select.verb import build
from tests.select.shards import Shard, in_order


def shard_of(documents: list[tuple[int, float, str | None]], first: int = 0) -> Shard:
    """Tokens, score and topic of documents."""
    tokens, scores, topics = (list(one) for one in zip(*documents, strict=True))
    arrays = [pa.array(tokens, pa.int64()), pa.array(scores, pa.float64()), pa.array(topics, pa.string())]
    return Shard(pa.table(arrays, ["tokens", "score", "topic"]), first=first)


def times_of(
    shards: list[Shard], work, budget: int, held_out=None, seed=1, **curve
) -> tuple[list[int], dict[int, str]]:
    """How often each document is written, and the rules of those that are not."""
    verb = build(Settings(by="score", tokens=budget, curve=curve, seed=seed), HERE)
    outcome = (verb.holding_out(held_out) if held_out else verb).run(shards, in_order, work)
    times = np.ones(sum(shard.rows for shard in shards), int)
    rules = {}
    for n in range(outcome.dropped.partitions):
        for one in outcome.dropped.read(n):
            rules[int(one["document"])] = RULES[one["rule"]]
        again = outcome.repeats.read(n)
        times[again["document"]] = again["repeats"]
        assert (again["repeats"] > 1).all()
    times[list(rules)] = 0
    return times.tolist(), rules


def factors_of(documents: list, budget: int, discard: float, most: int, *, topics: bool) -> list[float]:
    """How often each is to be written, by a walk down the documents of each topic."""
    curve = fit(budget, sum(tokens for tokens, _, _ in documents), discard, most)
    factors = [0.0] * len(documents)
    for topic in {topic for _, _, topic in documents} if topics else {...}:
        group = [n for n, (_, _, of) in enumerate(documents) if topic in {of, ...}]
        total, spent, buckets = sum(documents[n][0] for n in group), 0, {}
        for n in sorted(group, key=lambda n: documents[n][1]):
            start, spent = spent, spent + documents[n][0]
            bucket = sum(spent > edge * total for edge in curve.edges)
            buckets.setdefault(bucket, []).append((n, start / total, spent / total))
        for members in buckets.values():
            u, v = members[0][1], members[-1][2]
            low, high = curve.integral(np.array([u, v]))
            for n, _, _ in members:
                factors[n] = min(curve.ratio * (high - low) / (v - u), most)
    return factors


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["a", "b", None])), min_size=2, max_size=60),
    st.randoms(use_true_random=False),
    st.integers(1, 900),
    st.sampled_from(["0%", "40%", "77%"]),
    st.integers(1, 7),
    st.booleans(),
)
def test_documents_are_written_as_often_as_the_curve_says(
    tmp_path_factory, sizes, random, budget, discard, most, topics
):
    """Rounded down or up, at most as often as is allowed, the budget spent to a document; each topic by itself."""
    scores = random.sample(range(1000), len(sizes))
    documents = [(tokens, float(score), topic) for (tokens, topic), score in zip(sizes, scores, strict=True)]
    share = float(discard[:-1]) / 100
    assume(budget <= most * (1 - share) * sum(tokens for tokens, _ in sizes))
    cut = len(documents) // 3 or 1
    shards = [shard_of(documents[:cut]), shard_of(documents[cut:], cut)]
    curve = {"discard": discard, "most_repeats": most, "within": "topic" if topics else None}
    times, rules = times_of(shards, tmp_path_factory.mktemp("work"), budget, **curve)
    factors = factors_of(documents, budget, share, most, topics=topics)
    assert all(int(f + 1e-9) <= n or n == int(f) for n, f in zip(times, factors, strict=True))
    assert all(n <= np.ceil(f - 1e-9) for n, f in zip(times, factors, strict=True))
    spent = sum(n * tokens for n, (tokens, _, _) in zip(times, documents, strict=True))
    wanted = sum(f * tokens for f, (tokens, _, _) in zip(factors, documents, strict=True))
    assert min(budget, int(wanted + 1e-6)) - 9 <= spent <= max(budget, 1)
    if share and not topics:
        spent = np.cumsum([documents[n][0] for n in np.argsort(scores)])
        worst = {int(n) for n, end in zip(np.argsort(scores), spent, strict=True) if end <= share * spent[-1]}
        assert {n for n, rule in rules.items() if rule == "select.discard"} == worst


DOCUMENTS = [(1 + n % 5, float(n * 7919 % 1000 // 10), "xy"[n % 2]) for n in range(1000)]


@pytest.mark.parametrize("topics", [False, True])
def test_a_table_tells_the_factor_of_each_bucket(tmp_path, topics):
    """Documents, tokens and times by hand, whatever the shards; the tokens that are written add up to the budget."""
    curve = {"discard": "42%", "most_repeats": 4, "within": "topic" if topics else None}
    verb = build(Settings(by="score", tokens=4500, curve=curve, seed=1), HERE)
    tables = []
    for name, shards in (
        ("1", [shard_of(DOCUMENTS)]),
        ("2", [shard_of(DOCUMENTS[:9]), shard_of(DOCUMENTS[9:], 9)]),
    ):
        (tmp_path / name).mkdir()
        (table,) = verb.run(shards, in_order, tmp_path / name).tables
        tables.append(table)
    assert tables[0] == tables[1] and tables[0].columns[3] == "times"
    rows = tables[0].rows
    assert [row[0] for row in rows[:3]] == ["0% to 42%", "42% to 45%", "45% to 50%"] and len(rows) == 13
    documents, tokens, written = (sum(int(row[n].replace(",", "")) for row in rows) for n in (1, 2, 4))
    assert (documents, tokens) == (1000, sum(one for one, _, _ in DOCUMENTS))
    assert written == pytest.approx(4500, abs=len(rows))
    times = [float(row[3]) for row in rows]
    assert times == sorted(times) and times[0] == 0 and times[-1] == pytest.approx(4, abs=0.05)
    factors = factors_of(sorted_stably(), 4500, 0.42, 4, topics=topics)
    assert {min(abs(found - one) for one in factors) < 0.05 for found in times} == {True}


def sorted_stably() -> list:
    """The documents with scores that differ, in the order in which equal ones are ranked or another."""
    return [(tokens, score + n / 10_000, topic) for n, (tokens, score, topic) in enumerate(DOCUMENTS)]


def test_shards_change_nothing_and_seeds_do(tmp_path):
    """Equal scores are parted by a hash, so it is the same however documents are cut into shards."""
    whole, cut, other = (
        times_of(shards, tmp_path / str(n), 3000, most_repeats=4, **seed)[0]
        for n, (shards, seed) in enumerate((
            ([shard_of(DOCUMENTS)], {}),
            ([shard_of(DOCUMENTS[:300]), shard_of(DOCUMENTS[300:], 300)], {}),
            ([shard_of(DOCUMENTS)], {"seed": 2}),
        ))
    )  # fmt: skip
    assert whole == cut != other
    assert 2995 < sum(n * tokens for n, (tokens, _, _) in zip(whole, DOCUMENTS, strict=True)) <= 3000


def test_a_sample_of_the_documents_gives_nearly_the_same(tmp_path, monkeypatch):
    """The budget is spent all the same; the worst that are discarded are nearly the share."""
    monkeypatch.setattr("refinery.select.quantiles.SAMPLE", 300)
    times, rules = times_of([shard_of(DOCUMENTS)], tmp_path, 3000, most_repeats=4)
    assert 2995 < sum(n * tokens for n, (tokens, _, _) in zip(times, DOCUMENTS, strict=True)) <= 3000
    gone = sum(DOCUMENTS[n][0] for n, rule in rules.items() if rule == "select.discard")
    assert 0.3 * 3000 < gone < 0.5 * 3000 and max(times) == 4


class Half:
    """A split that holds out documents of an even score."""

    needed, settings = ("score",), {"by": "half"}

    def held_out(self, columns: pa.Table) -> np.ndarray:
        return columns.column(0).to_numpy().astype(int) % 2 == 0


def test_what_is_held_out_is_never_repeated(tmp_path):
    """It is dropped or written once; the verb's outcome has another key then."""
    times, _ = times_of([shard_of(DOCUMENTS)], tmp_path, 3000, held_out=Half(), most_repeats=4)
    held = [n for n, (_, score, _) in zip(times, DOCUMENTS, strict=True) if score % 2 == 0]
    assert max(held) == 1 and max(times) == 4
    verb = build(Settings(by="score", tokens=5, curve={}), HERE)
    assert verb.holding_out(Half()).settings != verb.settings
    best = build(Settings(by="score", tokens=5), HERE)
    assert best.holding_out(Half()) is best and not best.repeats and verb.repeats


def test_what_the_curve_cannot_do_is_told(tmp_path):
    """A budget above what repeats allow, scores that are no numbers."""
    with pytest.raises(InputError, match=r"3\.33 times on average, which is more than `most_repeats: 2`"):
        times_of([shard_of(DOCUMENTS)], tmp_path, 6000, most_repeats=2)
    table = pa.table({"tokens": pa.array([1], pa.int64()), "score": pa.array(["x"], pa.large_string())})
    with pytest.raises(InputError, match="`curve` draws by a number"):
        times_of([Shard(table)], tmp_path, 1)
