"""A finished output."""

import json

import polars as pl
import pyarrow.parquet as pq
import pytest

import refinery
from refinery.filters import registry
from tests.conftest import PIPELINE, read_files, write_parquet


@pytest.fixture
def output(data_repository):
    return refinery.run(data_repository / "pipeline.yaml", workers=1, progress=False)["unique"]


def test_it_knows_its_files(data_repository, output):
    """Folder, data files, and the rows in them, lazily."""
    assert output.path == data_repository / "out"
    assert [file.name for file in output.files] == ["data-00000.parquet"]
    assert output.documents().collect().to_arrow().column("text").to_pylist() == (
        pq.read_table(output.files[0]).column("text").to_pylist()
    )
    assert repr(output).startswith("Output(name='unique'")
    assert len(repr(output)) < 200


def test_decisions_are_all_of_them(data_repository, output):
    """A row for each row that was read."""
    found = output.decisions()
    assert isinstance(found, pl.LazyFrame)
    assert (
        found.collect().to_arrow().to_pylist() == read_files(data_repository / "out", "decisions").to_pylist()
    )


def test_measurements_are_those_of_all_documents(output):
    """Of dropped ones too; they join the decisions, and their ids are those."""
    measured = output.measurements()
    joined = (
        output.decisions().join(measured, on=["source", "path", "row"], how="full", suffix="_m").collect()
    )
    assert len(joined) == 61
    assert joined["id"].equals(joined["id_m"])
    short = joined.filter(rule="long_enough")
    assert len(short) > 0
    assert (short["words"] < 50).all()


def test_only_what_is_asked_for_is_read(output, monkeypatch):
    """Columns by the files that hold them; no more shards than rows are wanted; filters hold on what is read."""
    from refinery.api import output as module
    from refinery.run import columns

    read = []
    original = module.read_table

    def noted(place, names=None):
        read.append((place.name, names))
        return original(place, names)

    monkeypatch.setattr(module, "read_table", noted)
    monkeypatch.setattr(columns, "read_table", noted)
    found = output.measurements().select("row", "lang").head(5).collect()
    assert found.columns == ["row", "lang"]
    assert len(found) == 5
    assert [name.partition("-")[0] for name, _ in read] == ["documents.parquet", "measured"]
    assert read[1][1] == ["lang"]
    chinese = output.measurements().filter(lang="zh").select("id").collect()["id"].to_list()
    assert sorted(chinese) == sorted(f"zh{n}" for n in range(10))
    assert output.measurements().select(pl.len()).collect().item() == 61


def test_rows_count_through_files_and_ids_are_minted(tmp_path):
    """Lineage and minted ids are those of the decisions, whatever was read by itself and how sources differ."""
    write_parquet(tmp_path / "one" / "a.parquet", [{"text": f"Some text number {n}"} for n in range(4)])
    write_parquet(tmp_path / "two" / "b.parquet", [{"text": f"Another text {n}", "id": n} for n in range(3)])
    pipeline = refinery.Pipeline(
        name="two",
        base=tmp_path,
        sources={"one": {"path": "one/*"}, "two": {"path": "two/*"}},
        stages={
            "scored": {"from": "one", "measure": ["language"]},
            "all": {"from": ["scored", "two"]},
        },
        outputs={"all": {"from": "all", "path": "out"}},
    )
    output = refinery.run(pipeline, workers=1, progress=False)["all"]
    measured = output.measurements().collect()
    decided = output.decisions().select("source", "path", "row", "id").collect()
    assert measured.select(decided.columns).equals(decided)
    assert measured["lang"].null_count() == 3
    assert measured["tokens"].null_count() == 0


def test_what_depends_on_a_count_is_found(data_repository, monkeypatch):
    """Measurements whose keys were not known before the run made what they depend on."""
    monkeypatch.setitem(registry.TRANSFORMS.built_in, "without_first", "tests.run.word_maker")
    file = data_repository / "pipeline.yaml"
    file.write_text(PIPELINE.replace("transform: [normalize]", "transform: [{without_first: {least: 2}}]"))
    output = refinery.run(file, workers=1, progress=False)["unique"]
    measured = output.measurements().select("row", "path", "chars").collect()
    written = (
        output.documents().select(pl.col("lineage").struct.unnest(), pl.col("text").str.len_chars()).collect()
    )
    joined = written.join(measured, on=["path", "row"])
    assert len(joined) == len(written) > 0
    assert joined["text"].to_list() == joined["chars"].to_list()


def test_json_lines_are_read_too(data_repository):
    """An output of JSON Lines in zstd."""
    file = data_repository / "pipeline.yaml"
    file.write_text(PIPELINE.replace("path: out}", "path: out, format: jsonl}"))
    output = refinery.run(file, workers=1, progress=False)["unique"]
    assert output.documents().select("id").collect().height == 40


def test_a_column_of_json_lines_may_begin_with_nothing(tmp_path):
    """Types follow from all rows of all files, not from the first ones."""
    rows = [{"text": f"Text {n}."} | ({"tag": 7} if n > 200 else {}) for n in range(250)]
    (tmp_path / "crawl.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pipeline = refinery.Pipeline(
        name="late",
        sources={"crawl": {"path": "crawl.jsonl"}},
        stages={"all": {"from": "crawl"}},
        outputs={
            "all": {"from": "all", "path": "out", "format": "jsonl", "shuffle": None, "shard_bytes": 700}
        },
        base=tmp_path,
    )
    output = refinery.run(pipeline, workers=1, progress=False)["all"]
    assert len(output.files) > 3
    assert output.documents().select(pl.col("tag").sum()).collect().item() == 7 * 49


def test_an_output_on_an_object_store_is_read_there(data_repository, bucket):
    """Documents, decisions and measurements of a run whose folders are URLs are those of a run here."""
    local = refinery.run(data_repository / "pipeline.yaml", workers=1, progress=False)["unique"]
    file = data_repository / "s3.yaml"
    file.write_text(PIPELINE.replace("path: out", f"path: {bucket}/out"))
    stored = refinery.run(file, work=f"{bucket}/work", workers=1, progress=False)["unique"]
    assert str(stored.files[0]) == f"{bucket}/out/data-00000.parquet"
    for name in ("documents", "decisions", "measurements"):
        here, there = getattr(local, name)(), getattr(stored, name)()
        assert there.collect().equals(here.collect()), name
        assert there.select("id").head(3).collect().height == 3
