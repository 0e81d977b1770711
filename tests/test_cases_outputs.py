"""Outputs as their users load them: by the libraries themselves, on the folder as a run leaves it."""

import datasets
import duckdb
import pandas as pd
import polars as pl
import pytest

from tests.cases import run, write_jsonl
from tests.conftest import document

pytestmark = pytest.mark.filterwarnings("ignore")  # of the libraries themselves


@pytest.fixture(scope="module", autouse=True)
def _offline():
    """No hub is asked, and no bars are drawn."""
    datasets.config.HF_HUB_OFFLINE = True
    datasets.disable_progress_bars()


@pytest.fixture
def folder(tmp_path):
    """Documents with a column that is NULL for long, and one row that is no document."""
    rows = [
        {"id": n, "text": document(n, 5), "note": {"score": 0.5} if n >= 290 else None, "year": 1990 + n}
        for n in range(300)
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", [*rows, {"id": 300}])
    return tmp_path


def load(folder, cache):
    return datasets.load_dataset(str(folder), cache_dir=str(cache))


def test_a_folder_of_parquet_is_loaded_as_it_is(folder, refinery):
    """Just the documents, though decisions and rejects were written: by every reader of folders."""
    ran = run(refinery, folder, output={"shard_bytes": 20000})
    wanted = set(range(300))
    assert len(ran.manifest["files"]) > 3 and ran.rejects
    assert set(pl.read_parquet(ran.output)["id"]) == wanted
    assert set(pl.scan_parquet(f"{ran.output}/").collect()["id"]) == wanted
    assert set(pd.read_parquet(ran.output)["id"]) == wanted
    for place in (f"{ran.output}/**/*.parquet", f"{ran.output}/*.parquet", str(ran.output)):
        assert {one for (one,) in duckdb.sql(f"SELECT id FROM read_parquet('{place}')").fetchall()} == wanted
    loaded = load(ran.output, folder / "cache")
    assert list(loaded) == ["train"] and sorted(loaded["train"]["id"]) == sorted(wanted)
    assert set(loaded["train"].column_names) == set(ran.table.column_names)


def test_splits_are_loaded_by_whatever_name(folder, refinery):
    """`datasets` has each under its name, the others have them all."""
    split = {"validation": "10%", "unseen_courts": "20%"}
    ran = run(refinery, folder, output={"split": split})
    counts = {name: account["documents"] for name, account in ran.manifest["splits"].items()}
    loaded = load(ran.output, folder / "cache")
    assert {name: part.num_rows for name, part in loaded.items()} == counts
    assert set(counts) == {"train", *split} and all(counts.values())
    assert len(pl.read_parquet(ran.output)) == len(pd.read_parquet(ran.output)) == 300
    assert duckdb.sql(f"SELECT count(*) FROM '{ran.output}/**/*.parquet'").fetchall() == [(300,)]


@pytest.mark.parametrize("shuffle", [1, None])
def test_json_lines_are_loaded_with_the_types_of_all_columns(folder, refinery, shuffle):
    """Though one is NULL in the first 290 documents, and readers guess types by fewer."""
    ran = run(refinery, folder, output={"format": "jsonl", "shuffle": shuffle})
    (file,) = ran.output.iterdir()
    for found in (pl.read_ndjson(file), pl.scan_ndjson(ran.output).collect()):
        assert found.schema["note"] == pl.Struct({"score": pl.Float64})
        assert found["note"].is_not_null().sum() == 10
        assert set(found["id"]) == set(range(300))
    loaded = load(ran.output, folder / "cache")["train"]
    assert sum(note is not None for note in loaded["note"]) == 10


@pytest.mark.parametrize("split", [{}, {"validation": "30%"}])
def test_json_lines_are_loaded_whose_first_file_has_no_value_of_a_column(folder, refinery, split):
    """The first document that has one is written there, of each split; none is lost, none written twice."""
    output = {"format": "jsonl", "shuffle": None, "shard_bytes": 20000, "split": split}
    ran = run(refinery, folder, output=output)
    first = sorted(ran.output.rglob("*-00000*"))
    assert len(first) == max(len(split) + 1, 1) and len(ran.manifest["files"]) > 2 * len(first)
    for file in first:
        found = pl.read_ndjson(file)
        assert found.schema["note"] == pl.Struct({"score": pl.Float64})
        assert found["note"].is_not_null().sum() == 1
    found = pl.scan_ndjson(ran.output).collect()
    assert found["note"].is_not_null().sum() == 10 and sorted(found["id"]) == list(range(300))
    loaded = load(ran.output, folder / "cache")
    assert sum(note is not None for part in loaded.values() for note in part["note"]) == 10
