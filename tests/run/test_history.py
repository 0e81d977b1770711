"""The history of a pipeline's runs."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import refinery
from refinery.executors.local import InProcess
from refinery.run import history
from refinery.run.context import Run
from refinery.run.history import FATES, keep_fates, past_runs, read_fates
from refinery.storage.place import files_below
from refinery.storage.write import TableWriter
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
        assert found.equals(pl.read_parquet(base / folder / "decisions-*.parquet").select(FATES.names))
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


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2**40)), max_size=50))
def test_rows_come_back(tmp_path_factory, places):
    """Whatever their order: distances are taken and added up again."""
    folder = tmp_path_factory.mktemp("fates")
    rows = [{"source": "s", "path": path, "row": row, "stage": None, "rule": None} for path, row in places]
    table = pa.Table.from_pylist(rows, FATES)
    with TableWriter(folder / "decisions", FATES) as writer:
        writer.write(table)
    keep_fates(history._Task(folder / "decisions", folder / "kept"))
    assert pa.Table.from_batches([*read_fates(folder / "kept")], FATES) == table


@pytest.mark.parametrize("documents", [100_000])
def test_fates_are_small(tmp_path, documents):
    """Some kilobytes for many documents, most of which have the fate of the one before."""
    rows = {"source": "s", "path": "a", "stage": None, "rule": None}
    table = pl.DataFrame({"row": range(documents)}).with_columns(
        **{k: pl.lit(v, pl.String) for k, v in rows.items()}
    )
    with TableWriter(tmp_path / "decisions", FATES) as writer:
        writer.write(table.select(FATES.names).to_arrow().cast(FATES))
    keep_fates(history._Task(tmp_path / "decisions", tmp_path / "kept"))
    assert (tmp_path / "kept").stat().st_size < 10_000
