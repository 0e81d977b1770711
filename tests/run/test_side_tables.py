"""Tables that are joined to sources, in runs: what documents get of them, and what is made again for a change."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from tests.conftest import document, output_hashes, read_files

DEFINITION = """
refinery: 1
name: joined
sources:
  papers:
    path: papers
    id: pmcid
    join:
      - {path: oa_file_list.csv, on: pmcid, columns: {license: null, published: date}}
      - {path: courts.parquet, on: path, columns: {court: null}}
stages:
  all:
    from: papers
    derive: {recent: "published > DATE '2020-01-05'"}
    keep: [free: "license = 'cc-by'"]
    dedup: {by: [court], prefer: ["published DESC"]}
outputs:
  all: {from: all, path: out, split_by: court, split: {validation: 40%}}
"""
PAPERS, FILES = 60, 20  # more than are read each by itself


@pytest.fixture
def repository(tmp_path) -> Path:
    """Three papers a file, packed; a licence and a date for each, and a court for each file."""
    for number in range(FILES):
        file = tmp_path / "papers" / f"{number}.jsonl"
        file.parent.mkdir(exist_ok=True)
        rows = [{"pmcid": f"PMC{n}", "text": document(n)} for n in range(number, PAPERS, FILES)]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    licenses(tmp_path)
    courts = [{"path": f"{n}.jsonl", "court": f"court {n % 5}"} for n in range(FILES)]
    pq.write_table(pa.Table.from_pylist(courts), tmp_path / "courts.parquet")
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    return tmp_path


def licenses(folder: Path, *, date: str = "2020-01-01") -> None:
    rows = [
        f"PMC{n},{'cc-by' if n % 3 else 'nc'},{date if n == 4 else f'2020-01-{n % 28 + 1:02}'}"
        for n in range(PAPERS - 5)
    ]
    (folder / "oa_file_list.csv").write_text("\n".join(["pmcid,license,published", *rows]))


def expected(date: str = "2020-01-01") -> set[str]:
    """The ids that stay, by plain Python: of each court the latest of those that are free."""
    dates = {n: (date if n == 4 else f"2020-01-{n % 28 + 1:02}") for n in range(PAPERS - 5) if n % 3}
    latest = {}
    for n, day in dates.items():
        court = n % FILES % 5
        latest[court] = max(latest.get(court, ("", 0)), (day, n))
    return {f"PMC{n}" for _, n in latest.values()}


def test_joined_columns_are_used_as_those_of_files_are(repository, refinery):
    """In rules, derived columns, dedup, rankings, splits and outputs; and a new date makes nothing again but what
    follows from it: no text is read for the measurements of another column."""
    pipeline = repository / "pipeline.yaml"
    code, _, err = refinery("run", pipeline, "-q")
    assert code == 0, err
    out = read_files(repository / "out", "data")
    assert set(out["id"].to_pylist()) == expected()
    assert out.schema.field("published").type == pa.date32()
    assert len(set(out["court"].to_pylist())) == 5
    before = {
        file: file.stat().st_mtime_ns for file in (repository / ".refinery" / "shards").rglob("measured-*")
    }
    licenses(repository, date="2020-02-01")
    assert refinery("run", pipeline, "-q")[0] == 0
    assert (
        set(read_files(repository / "out", "data")["id"].to_pylist()) == expected("2020-02-01") != expected()
    )
    after = {
        file: file.stat().st_mtime_ns for file in (repository / ".refinery" / "shards").rglob("measured-*")
    }
    assert before.items() <= after.items()
    assert {file.name.split("-")[1] for file in after.keys() - before.keys()} == {"carried"}
    assert refinery("clean", pipeline, "--force")[0] == 0
    assert len([*(repository / ".refinery" / "made").iterdir()]) == 2


def test_documents_without_a_row_are_rejected_where_that_is_asked_for(repository, refinery):
    """With their keys on record."""
    pipeline = repository / "pipeline.yaml"
    text = DEFINITION.replace("on: pmcid,", "on: pmcid, missing: reject,")
    pipeline.write_text(text + "guards: {rejected: off}\n")
    code, _, err = refinery("run", pipeline, "-q")
    assert code == 0, err
    rejects = read_files(repository / "out", "rejects").to_pylist()
    assert {(row["reason"], row["detail"]) for row in rejects} == {
        ("no_match", f"the table has no 'pmcid' PMC{n}") for n in range(PAPERS - 5, PAPERS)
    }


def test_a_damaged_table_is_made_again(repository, refinery):
    """The run says so and goes on."""
    pipeline = repository / "pipeline.yaml"
    assert refinery("run", pipeline, "-q")[0] == 0
    first = output_hashes(repository / "out")
    for file in (repository / ".refinery" / "made").glob("*/table.arrow"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    (repository / "pipeline.yaml").write_text(DEFINITION + "guards: {rejected: 2%}\n")
    for file in (repository / ".refinery" / "shards").rglob("measured-carried*"):
        file.unlink()
    (repository / "out.records" / "manifest.json").unlink()
    code, _, err = refinery("run", pipeline)
    assert code == 0, err
    assert "table.arrow is not as it was written; it is made again" in err
    assert output_hashes(repository / "out") == first


def test_a_table_that_cannot_be_joined_ends_the_run(repository, refinery):
    """With its file, row and key, and no traceback."""
    with (repository / "oa_file_list.csv").open("a") as file:
        file.write("\nPMC1,other,2020-01-02\n")
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code != 0
    assert "the key 'PMC1' has 'license' 'cc-by' here and 'other' in" in err
    assert InputError.__name__ not in err
