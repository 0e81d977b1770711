"""The history of a pipeline's runs."""

from datetime import UTC, datetime, timedelta

import polars as pl

import refinery
from refinery.executors.local import InProcess
from refinery.run import history
from refinery.run.context import Run
from refinery.run.fates import FATES, read_fates
from refinery.run.history import past_runs
from refinery.storage.place import files_below
from tests.run.planning import plan_of


def run(definition, limit=None):
    if limit is not None:
        definition.write_text(definition.read_text().replace("words >= 50", f"words >= {limit}"))
    refinery.run(definition, workers=1, progress=False)


def test_a_run_is_kept_with_all_fates(tiny_run):
    """What became of each row, as the output's decisions say, and what the results were made of."""
    base = tiny_run.parent
    (past,) = past_runs(base / ".refinery", "tiny")
    assert past.number == 1
    for name, folder in (("unique", "out.records"), ("screened", "screened.records")):
        found = pl.concat(pl.DataFrame(batch) for file in past.files(name) for batch in read_fates(file))
        decided = [name for name in FATES.names if name != "identity"]
        assert found.select(decided).equals(
            pl.read_parquet(base / folder / "decisions-*.parquet").select(decided)
        )
        assert found["identity"].null_count() == 0
    assert past.derivations["stages.screened"].fields["keep.long_enough"] == "words >= 50"
    assert past.outputs["unique"].kept.documents > 0


def test_no_text_and_no_id_is_kept(tiny_run):
    """Only places, stages and rules."""
    for file in (tiny_run.parent / ".refinery/pipelines/tiny/history").glob("*.parquet"):
        assert pl.read_parquet(file).columns == FATES.names


def test_a_run_that_makes_nothing_new_is_the_same_run(data_repository, monkeypatch):
    """It adds nothing; another one adds its number; the oldest go, with what only they need."""
    monkeypatch.setattr(history, "RUNS", 2)
    definition, work = data_repository / "pipeline.yaml", data_repository / ".refinery"
    run(definition)
    run(definition)
    assert [past.number for past in past_runs(work, "tiny")] == [1]
    for limit in (10, 20):
        definition.write_text(definition.read_text().replace("similarity: 0.8", f"similarity: 0.{limit}"))
        run(definition)
        definition.write_text(definition.read_text().replace(f"similarity: 0.{limit}", "similarity: 0.8"))
    kept = past_runs(work, "tiny")
    assert [past.number for past in kept] == [2, 3]
    there = {name for name in files_below(kept[0].folder) if name.endswith(".parquet")}
    assert there == {file.name for past in kept for file in past.files("unique")}


def test_a_damaged_run_is_none(data_repository):
    """The history goes on without it."""
    run(data_repository / "pipeline.yaml")
    (past,) = past_runs(data_repository / ".refinery", "tiny")
    (past.folder / "run-000001.json").write_text("{")
    assert past_runs(data_repository / ".refinery", "tiny") == []
    for _ in range(2):
        run(data_repository / "pipeline.yaml")
    assert [past.number for past in past_runs(data_repository / ".refinery", "tiny")] == [2]


def test_a_clock_that_is_set_back_makes_no_run_short(data_repository):
    """What plans of later runs are told by: seconds are counted, not taken from the time of day."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    begun = Run(
        plan_of(data_repository / "pipeline.yaml"), InProcess(), print, lambda: None, started=tomorrow
    )
    assert 0 <= history._seconds(begun) < 60
