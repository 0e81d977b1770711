"""The measure pass: what is known already is not measured again."""

from pathlib import Path

from tests.conftest import PIPELINE, decisions, document, write_parquet


def measured(folder: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in (folder / ".refinery").rglob("measured-*.parquet")}


def test_a_changed_threshold_measures_nothing(data_repository, refinery):
    """Only decisions are made again; the output follows the new threshold."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 3"))
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    assert measured(data_repository) == before
    assert decisions(data_repository / "out")["short2"]["outcome"] == "kept"


def test_an_added_shard_is_measured_alone(data_repository, refinery):
    """Measurements of the other shards stay as they are."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    write_parquet(data_repository / "crawl" / "9.parquet", [{"id": "new", "text": document(999), "year": 1}])
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    after = measured(data_repository)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    assert decisions(data_repository / "out")["new"]["outcome"] == "kept"
