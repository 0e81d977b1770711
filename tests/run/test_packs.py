"""Runs over many small files, which are read together as packs."""

import json

import polars as pl
import pytest

from refinery.executors.local import InProcess
from refinery.run.run import execute
from refinery.watch.events import UnitEnded
from tests.conftest import PIPELINE, document
from tests.run.planning import plan_of

FILES = 40
PACKED = PIPELINE.replace('"crawl/*.parquet"', "crawl").replace("path: out", "path: out, shuffle: null")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Forty files of two rows, of which packs have 8 at most; one copy, one broken row, one file of no rows."""
    monkeypatch.setattr("refinery.sources.packs.PACK_FILES", 8)
    for n in range(FILES):
        rows = [{"id": f"{n}-{row}", "text": document(100 * n + row), "year": n} for row in range(2)]
        write(tmp_path, n, rows)
    write(tmp_path, 17, [{"id": "copy", "text": document(0), "year": 1}, {"id": "bad", "text": None}])
    write(tmp_path, 18, [])
    (tmp_path / "pipeline.yaml").write_text(PACKED)
    return tmp_path


def write(repository, number, rows):
    file = repository / "crawl" / f"part-{number}.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def run(repository):
    """Its manifest, and the documents that were read to be measured."""
    told = []
    (manifest,) = execute(plan_of(repository / "pipeline.yaml"), InProcess(), told.append).values()
    return manifest, sum(e.documents for e in told if isinstance(e, UnitEnded) and e.phase == "measure")


def test_the_outcome_is_that_of_one_file(repository, tmp_path_factory):
    """Documents, ids and columns; what became of each and where it came from."""
    run(repository)
    one = tmp_path_factory.mktemp("one")
    (one / "crawl").mkdir()
    lines = [(repository / "crawl" / f"part-{n}.jsonl").read_text() for n in range(FILES)]
    (one / "crawl" / "all.jsonl").write_text("".join(lines))
    (one / "pipeline.yaml").write_text(PACKED)
    run(one)
    found, expected = (pl.read_parquet(folder / "out" / "data-*.parquet") for folder in (repository, one))
    assert found.drop("lineage").equals(expected.drop("lineage"))
    found, expected = (
        pl.read_parquet(folder / "out.records" / "decisions-*.parquet") for folder in (repository, one)
    )
    places = [(f"part-{n}.jsonl", row) for n in range(FILES) for row in range(lines[n].count("\n"))]
    rows = [places.index(place) for place in found.select("path", "row").rows()]
    found = found.with_columns(line=pl.Series(rows)).sort("line")
    dropped = ["path", "row", "duplicate_of_path", "duplicate_of_row"]
    assert found.drop(*dropped, "line").equals(expected.sort("row").drop(dropped))
    twin = found.row(by_predicate=pl.col("id") == "copy", named=True)
    assert (twin["duplicate_of_path"], twin["duplicate_of_row"]) == ("part-0.jsonl", 0)


def test_one_file_changed_added_or_removed_reads_one_pack(repository):
    """Of 80 documents at most 16; a touch reads nothing; the bytes are those of a run from nothing."""
    run(repository)
    (repository / "crawl" / "part-3.jsonl").touch()
    assert run(repository)[1] == 0
    write(repository, 3, [{"id": "3-0", "text": document(7777), "year": 3}])
    assert 0 < run(repository)[1] <= 16
    write(repository, 1000, [{"id": "new", "text": document(7778), "year": 3}])
    assert 0 < run(repository)[1] <= 16
    (repository / "crawl" / "part-9.jsonl").unlink()
    manifest, read = run(repository)
    assert 0 < read <= 16
    hashes = [file.sha256 for file in (*manifest.files, *manifest.decisions)]
    (repository / ".refinery").rename(repository / "old")
    for folder in ("out", "out.records"):
        (repository / folder).rename(repository / "old" / folder)
    again, read = run(repository)
    assert read == 2 * FILES - 1 - 2 - 1 + 1 - 2  # of 17 and 18 at first, then of 3, of the new one, of 9
    assert [file.sha256 for file in (*again.files, *again.decisions)] == hashes


def test_a_changed_file_of_a_pack_is_told(repository):
    """One that is no longer as planned when it is read, by its name."""
    from refinery.errors import InputError

    plan = plan_of(repository / "pipeline.yaml")
    write(repository, 5, [{"id": "other", "text": document(5), "year": 5}])
    with pytest.raises(InputError, match=r"part-5\.jsonl: the file has changed since it was planned"):
        execute(plan, InProcess(), lambda _: None)


def test_a_reject_is_told_by_its_file(repository):
    """With `on_error: fail`."""
    from refinery.errors import InputError

    text = PACKED.replace("path: crawl", "path: crawl, on_error: fail")
    (repository / "pipeline.yaml").write_text(text)
    with pytest.raises(InputError, match=r"part-17.jsonl, row 1: null_text"):
        run(repository)


def test_a_lost_list_is_made_again(repository):
    """Of files in a pack, and of their rows."""
    manifest, _ = run(repository)
    for file in (repository / ".refinery" / "shards").rglob("lineage.parquet"):
        file.unlink()
    (repository / "out.records" / "manifest.json").unlink()
    again, _ = run(repository)
    assert [file.sha256 for file in again.decisions] == [file.sha256 for file in manifest.decisions]
