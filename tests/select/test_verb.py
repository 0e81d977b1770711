"""The verb `select` over shards in memory, against walks down plain lists."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.definition.paths import HERE
from refinery.errors import InputError
from refinery.select.settings import Settings
from refinery.select.verb import build
from tests.conftest import decisions, read_files, write_parquet
from tests.models.domains import MEDICAL, OTHER, documents
from tests.select.shards import DOCUMENTS, HOSTS, Shard, best_first, dropped_by, shards_of, walk


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(DOCUMENTS, st.integers(0, 60), st.integers(1, 200), st.integers(1, 100))
def test_no_value_takes_more_than_its_share(tmp_path_factory, documents, cut, budget, percent):
    """The best of each host while they fit, then the best of these; documents without a host have no limit."""
    shards = shards_of(documents, min(cut, len(documents)))
    found = dropped_by(shards, tmp_path_factory.mktemp("work"), tokens=budget, most={"host": f"{percent}%"})
    order = best_first(documents)
    most = int(budget * (percent / 100))
    fits = {n for n in order if documents[n][2] is None}
    for host in HOSTS[:-1]:
        fits |= walk([n for n in order if documents[n][2] == host], documents, most)
    chosen = walk([n for n in order if n in fits], documents, budget)
    expected = {n: "select.most" for n in order if n not in fits}
    assert found == expected | {n: "select.tokens" for n in order if n in fits - chosen}


def test_a_second_column_counts_what_the_first_leaves(tmp_path):
    """In the order in which they are written."""
    documents = [(10, 1.0, "a"), (10, 0.9, "a"), (10, 0.8, "b"), (10, 0.7, "c")]
    (shard, _) = shards_of(documents, 4)
    shard = Shard(shard.table.append_column("kind", pa.array(["x", "x", "x", "x"])))
    found = dropped_by([shard], tmp_path, tokens=100, most={"host": "10%", "kind": "20%"})
    assert found == {1: "select.most", 3: "select.most"}


def test_little_memory_changes_nothing(tmp_path, monkeypatch):
    """Documents that are let go on the way are those that do not fit in the end."""
    documents = [(1 + n % 3, float(n * 37 % 101), "ab"[n % 2]) for n in range(400)]
    whole = dropped_by(shards_of(documents, 150), tmp_path / "a", tokens=500, most={"host": "20%"})
    monkeypatch.setattr("refinery.select.values.HELD", 3)
    assert dropped_by(shards_of(documents, 150), tmp_path / "b", tokens=500, most={"host": "20%"}) == whole
    assert "select.most" in whole.values()


def test_a_draw_is_the_same_for_the_same_seed(tmp_path):
    """However the documents are cut into shards; another seed draws others."""
    documents = [(1, 0.5, None)] * 300
    first, cut, other = (
        dropped_by(shards_of(documents, at), tmp_path / str(n), tokens=100, temperature=1, seed=seed)
        for n, (at, seed) in enumerate(((300, 1), (17, 1), (300, 2)))
    )
    assert first == cut != other
    assert len(first) == len(other) == 200


def test_low_temperature_takes_the_best(tmp_path):
    """As no draw does, where scores differ; documents without a score come last."""
    documents = [(1, None if n % 10 == 0 else float(n), None) for n in range(100)]
    drawn = dropped_by(shards_of(documents, 40), tmp_path / "drawn", tokens=50, temperature=1e-6)
    assert drawn == dropped_by(shards_of(documents, 40), tmp_path / "best", tokens=50)


def test_text_is_no_score(tmp_path):
    """A draw by a text column names the column."""
    table = pa.table({"tokens": pa.array([1], pa.int64()), "score": pa.array(["x"], pa.large_string())})
    with pytest.raises(InputError, match="'score' is large_string"):
        dropped_by([Shard(table)], tmp_path, tokens=1, temperature=1)


RUN = """
refinery: 1
name: choose
sources:
  crawl: {path: "crawl/*.parquet"}
models:
  groups: {topics: {from: crawl, clusters: 2}}
stages:
  scored:
    from: crawl
    measure: [{topic: {model: groups}}]
  spread:
    from: scored
    select: {tokens: 1500, by: quality, most: {topic: {1: 10%}}, least: {kind: {medical: 20%}}}
  often:
    from: scored
    select: {tokens: 6k, by: quality, curve: {discard: 25%, most_repeats: 3, within: topic}}
outputs:
  spread: {from: spread, path: spread, measurements: [topic, tokens]}
  often: {from: often, path: often, repeats: counts, measurements: [topic, tokens]}
"""


def test_a_run_chooses_by_topics(tmp_path, refinery):
    """What one run finds and measures on arrival limits what is chosen; a curve is within each topic."""
    texts = [*documents(OTHER, 60, 1), *documents(MEDICAL, 40, 2)]
    rows = [
        {"id": f"{n:02}", "text": text, "quality": n * 37 % 100, "kind": "medical" if n >= 60 else "other"}
        for n, text in enumerate(texts)
    ]
    for number in range(2):
        write_parquet(tmp_path / "crawl" / f"{number}.parquet", rows[number::2])
    (tmp_path / "pipeline.yaml").write_text(RUN)
    code, _, err = refinery("run", tmp_path / "pipeline.yaml")
    assert code == 0, err
    assert "`least` asks for 300 tokens of kind medical, and it has" in err
    spread, often = (read_files(tmp_path / name, "data").to_pylist() for name in ("spread", "often"))
    medical = [row["tokens"] for row in spread if row["kind"] == "medical"]
    assert {row["topic"] for row in spread if row["kind"] == "medical"} == {1}
    assert 75 < sum(medical) <= 150 and 1400 < sum(row["tokens"] for row in spread) <= 1500
    assert 5900 < sum(row["tokens"] * row["repeats"] for row in often) <= 6000
    rules = {name: row["rule"] for name, row in decisions(tmp_path / "often").items()}
    for kind in ("medical", "other"):
        times = {row["quality"]: row["repeats"] for row in often if row["kind"] == kind}
        worst = [r["quality"] for r in rows if r["kind"] == kind and rules[r["id"]] == "select.discard"]
        of = sum(row["kind"] == kind for row in rows)
        assert times[max(times)] == 3 and 0.15 < len(worst) / of < 0.35 and max(worst) < min(times)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"temperature": 0.5}, "drawn at temperature 0.5"),
        ({"softdedup": 20}, "drawn by 1 / the mean of each of 20 segments"),
        (
            {
                "most": {"host": "1%", "source": {"crawl": "60%"}},
                "least": {"lang": {"zh": "5%", "ja": "0.5%"}},
            },
            "at most 1% a host, at most 60% crawl by source, at least 5% zh, 0.5% ja by lang",
        ),
        ({"curve": {"within": "lang"}}, "without the worst 40%, the better up to 7 times, within each lang"),
    ],
)
def test_a_plan_says_how_it_chooses(chosen, words):
    """In a line."""
    verb = build(Settings(tokens="2B", by="score", **chosen), HERE)
    assert verb.summary == f"select 2,000,000,000 tokens by score, {words}"


def test_a_plan_has_shares_in_tokens():
    """A table, where there are some."""
    shares = {"most": {"host": "1%", "source": {"crawl": "60%"}}, "least": {"lang": {"zh": "0.5%"}}}
    (table,) = build(Settings(tokens="2B", by="score", **shares), HERE).explained()
    assert table.rows == (
        ("host", "each", "at most", "1%", "20,000,000"),
        ("source", "crawl", "at most", "60%", "1,200,000,000"),
        ("lang", "zh", "at least", "0.5%", "10,000,000"),
    )
    assert build(Settings(tokens="2B", by="score"), HERE).explained() == ()


def test_what_groups_documents_may_be_measured_on_arrival():
    """Whatever a share or a curve goes by; the ranking is of one type."""
    shares = {"most": {"host": "1%"}, "least": {"lang": {"zh": "5%"}}}
    needed = build(Settings(tokens=5, by="score", **shares), HERE).needed
    assert [(one.column, one.location, one.arriving) for one in needed[2:]] == [
        ("host", ("most", "host"), True), ("lang", ("least", "lang"), True),
    ]  # fmt: skip
    (within,) = build(Settings(tokens=5, by="score", curve={"within": "lang"}), HERE).needed[2:]
    assert (within.column, within.location, within.arriving) == ("lang", ("curve", "within"), True)
