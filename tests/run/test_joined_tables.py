"""Tables that are joined to sources, in runs: what documents get of them, and what is made again for a change."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.run.make import commit_made, find_made
from refinery.sources.column_settings import Join, NamedColumn
from refinery.sources.joined_table import HASH, KEY, TABLE, key_hashes, look_up, write_joined_table
from refinery.storage.marks import records_of
from refinery.storage.place import place_of
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


def test_keys_that_are_written_in_another_way_are_told(repository, refinery):
    """All values would be NULL without a word: a warning, quiet or not, and in the manifest."""
    file = repository / "oa_file_list.csv"
    file.write_text(file.read_text().replace("PMC", ""))
    (repository / "pipeline.yaml").write_text(
        DEFINITION.replace("license = 'cc-by'", "license = 'cc-by' OR license IS NULL")
    )
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code == 0, err
    told = "oa_file_list.csv: it has no row for any of the first 3 documents; the table has no 'pmcid' PMC0"
    assert told in err
    assert "courts.parquet" not in err
    assert told in "".join(
        json.loads((repository / "out.records" / "manifest.json").read_bytes())["warnings"]
    )


def test_values_of_another_type_are_counted(repository, refinery):
    """Those that a joined column makes NULL of are warned of, again by a run that finds the table made."""
    licenses(repository, date="2001-13-45")
    told = "oa_file_list.csv: NULL, of a wrong type: published (1 is no date)"
    for definition in (DEFINITION, DEFINITION.replace("path: out,", "path: again,")):
        (repository / "pipeline.yaml").write_text(definition)
        _, _, err = refinery("run", repository / "pipeline.yaml", "-q")
        assert told in err


def test_documents_without_a_row_are_counted_over_the_whole_source(repository, refinery):
    """Five of sixty, wherever they lie; told by run, manifest and funnel, and again for another output."""
    told = "source papers: 5 of 60 documents have no row in the joined table: NULL in license, published"
    for definition, path in (
        (DEFINITION, "out"),
        (DEFINITION.replace("path: out,", "path: again,"), "again"),
    ):
        (repository / "pipeline.yaml").write_text(definition)
        code, out, err = refinery("run", repository / "pipeline.yaml", "--workers", 2)
        manifest = json.loads((records_of(repository / path) / "manifest.json").read_bytes())
        assert (code, manifest["sources"]["papers"]["unmatched"]) == (0, {"license, published": 5})
        assert told in err and told in manifest["warnings"] and "no row to join" in out


def test_a_table_on_a_store_is_looked_up(tmp_path):
    """It is fetched once a process."""
    keys = pa.array(["a"], pa.large_string())
    write_joined_table(tmp_path / TABLE, pa.table({HASH: key_hashes(keys), KEY: keys, "x": [1]}))
    place = place_of("memory://side/made/key")
    commit_made(place, tmp_path)
    assert find_made(place)
    join = Join(("t",), ("id",), ("id",), (NamedColumn("x", "x", "int"),), table=place)
    values, found = look_up(join, pa.array(["b", "a"], pa.large_string()))
    assert (values["x"].to_pylist(), found.tolist()) == ([None, 1], [False, True])


def test_a_table_that_cannot_be_joined_ends_the_run(repository, refinery):
    """With its file, row and key, and no traceback."""
    with (repository / "oa_file_list.csv").open("a") as file:
        file.write("\nPMC1,other,2020-01-02\n")
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q")
    assert code != 0
    assert "the key 'PMC1' has 'license' 'cc-by' here and 'other' in" in err
    assert InputError.__name__ not in err
