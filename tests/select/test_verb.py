"""The verb `select` over shards in memory, against walks down plain lists."""

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
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
