"""The tables that sources of a definition join, as it says and as the heads of their files tell."""

import json

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.resolve import resolve
from refinery.sources.column_settings import NamedColumn
from tests.conftest import document

DEFINITION = """
refinery: 1
name: joins
sources:
  laws:
    path: laws
    SOURCE
stages:
  all: {from: laws}
outputs:
  all: {from: all, path: out}
"""


def source_of(folder, source: str):
    (folder / "laws").mkdir(exist_ok=True)
    row = {"id": "a", "text": document(1), "number": 1, "court": "x", "meta": {"pmid": 3}}
    (folder / "laws" / "0.jsonl").write_text(json.dumps(row))
    (folder / "side.csv").write_text("id,number,date,status\na,1,2020-01-02,new\n")
    (folder / "side.jsonl").write_text(json.dumps({"pmid": 3, "year": 2020, "tags": ["x"], "path": "y"}))
    (folder / "pipeline.yaml").write_text(DEFINITION.replace("SOURCE", source), encoding="utf-8")
    return resolve(load(folder / "pipeline.yaml")).sources["laws"]


def test_a_table_is_joined_by_its_key_with_typed_columns(tmp_path):
    """Types are those that are given, else those of the table; of CSV all columns are text."""
    (csv,) = source_of(
        tmp_path, "join: {path: side.csv, on: number, columns: {day: {from: date, type: date}, status: null}}"
    ).joins
    assert (csv.on, csv.key, csv.path, csv.reject) == (
        ("number",),
        ("number",),
        (f"{tmp_path}/side.csv",),
        False,
    )
    assert csv.columns == (NamedColumn("day", "date", "date"), NamedColumn("status", "status", "string"))
    written = "join: {path: side.jsonl, on: {meta.pmid: pmid}, columns: {year: null}, missing: reject}"
    (rows,) = source_of(tmp_path, written).joins
    assert (rows.on, rows.key, rows.reject) == (("meta.pmid",), ("pmid",), True)
    assert rows.columns == (NamedColumn("year", "year", "int"),)
    both = source_of(
        tmp_path,
        "join: [{path: side.csv, on: id, columns: {status: null}}, "
        "{path: side.jsonl, on: path, columns: {year: null}}]",
    )
    assert [join.on for join in both.joins] == [("id",), ("path",)]


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("{path: sid.csv, on: id, columns: {date: null}}", r"join.path: .*sid.csv"),
        (
            "{path: side.csv, on: numbr, columns: {date: null}}",
            r"join.on: no file has a column 'numbr'.*number",
        ),
        (
            "{path: side.csv, on: {id: nr}, columns: {date: null}}",
            r"join.on: the table has no column 'nr'; there is",
        ),
        ("{path: side.csv, on: id, columns: {dat: date}}", r'join.columns.dat: .*no column "dat".*date'),
        (
            "{path: side.csv, on: number, columns: {number: null}}",
            r"join.columns.number: .*'number' is the key",
        ),
        (
            "{path: side.jsonl, on: {meta.pmid: pmid}, columns: {tags: null}}",
            r"join.columns.tags: .*'tags' must be",
        ),
        ("{path: side.csv, on: id, columns: {court: {from: status}}}", r"'court', as a table that is joined"),
        ("{path: side.csv, on: [id, nr], columns: {date: null}}", r"join.on: no file has a column 'nr'"),
        ("{path: side.csv, on: [id, id], columns: {date: null}}", "several columns, each once"),
        ("{path: side.csv, on: {id: id, court: nr}, columns: {date: null}}", "the table has no column 'nr'"),
        (
            "{path: side.csv, on: {id: id, court: status}, columns: {status: {from: date}}}",
            "'status' is what the table calls a column of the key: give it another name",
        ),
        ("{path: side.csv, on: id}", "the key 'columns' is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, join, expected):
    """Before anything is read: paths, keys and columns on either side, and two columns of one name."""
    with pytest.raises(DefinitionError, match=expected):
        source_of(tmp_path, f"join: {join}")


def test_the_path_of_the_file_is_not_a_column_of_that_name(tmp_path):
    """Which one is meant is not guessed."""
    source_of(tmp_path, "")
    (tmp_path / "laws" / "1.jsonl").write_text(json.dumps({"id": "b", "text": "x", "path": "y"}))
    with pytest.raises(DefinitionError, match=r"a column 'path' of its own: name that one"):
        source_of(tmp_path, "join: {path: side.jsonl, on: path, columns: {year: null}}")


@pytest.mark.parametrize(
    "source",
    [
        "join: {path: side.csv, on: id, columns: {date: dat}}",
        "join: {path: side.csv, onn: id, columns: {date: date}}",
        "columns: {date: {from: court, typ: string}}",
    ],
)
def test_a_slip_of_form_is_told_alone(tmp_path, source):
    """A stage lacks no column that what is wrong would give, and nor does one below it."""
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "0.jsonl").write_text(json.dumps({"id": "a", "text": document(1), "court": "x"}))
    (tmp_path / "side.csv").write_text("id,date\na,2020-01-02\n")
    stages = "{from: laws, derive: {y: \"date > 'a'\"}}\n  below: {from: all, keep: [z: y]}"
    written = DEFINITION.replace("SOURCE", source).replace("{from: laws}", stages)
    (tmp_path / "pipeline.yaml").write_text(written, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        resolve(load(tmp_path / "pipeline.yaml"))
    assert not any("stages." in problem for problem in caught.value.problems)
