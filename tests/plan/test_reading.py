"""How a source is read, by its definition and the heads of its files."""

import json

import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.resolve import resolve
from refinery.sources.column_settings import NamedColumn, Where
from refinery.sources.documents import SourceSpec
from tests.conftest import document

DEFINITION = """
refinery: 1
name: reading
sources:
  crawl:
    path: crawl
    SOURCE
stages:
  all: {from: crawl}
outputs:
  all: {from: all, path: out}
"""
ROW = {"published": "2020-05-01", "n": 1, "meta": {"lang": "en"}, "tags": ["x"], "url": "u"}


def spec_of(folder, source: str) -> SourceSpec:
    (folder / "crawl").mkdir(exist_ok=True)
    (folder / "crawl" / "0.jsonl").write_text(json.dumps({"id": "a", "text": document(1), **ROW}))
    (folder / "pipeline.yaml").write_text(DEFINITION.replace("SOURCE", source), encoding="utf-8")
    return resolve(load(folder / "pipeline.yaml")).sources["crawl"]


def test_columns_are_named_cast_kept_and_dropped(tmp_path):
    """Each in the form that is shortest for it."""
    written = (
        "columns: {date: {from: published, type: date, invalid: reject}, n: float, tags: null, drop: [url]}"
    )
    spec = spec_of(tmp_path, written)
    assert spec.columns == (
        NamedColumn("date", "published", "date", reject=True),
        NamedColumn("n", "n", "float"),
    )
    assert (spec.keep, spec.drop) == (None, ("tags", "url"))
    assert spec_of(tmp_path, "columns: {keep: [n, url]}").keep == ("n", "url")


def test_a_condition_knows_the_types_of_what_it_reads(tmp_path):
    """Declared ones, or those that the heads of the files tell."""
    source = "where: \"n > 0 AND lang = 'en' AND date > DATE '2019-01-01'\"\n"
    source += "    columns: {keep: [n], lang: {from: meta.lang}, date: {from: published, type: date}}"
    assert spec_of(tmp_path, source).where == Where(
        "n > 0 AND lang = 'en' AND date > DATE '2019-01-01'",
        (("date", "date"), ("lang", "string"), ("n", "int")),
    )
    assert spec_of(tmp_path, "where: \"id LIKE 'a%'\"").where == Where("id LIKE 'a%'", (("id", "string"),))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("columns: {keep: [m]}", "columns.keep: no file has a column 'm'"),
        (
            "columns: {date: {from: publishd}}",
            "columns.date: no file has a column 'publishd'; did you mean \"published\"",
        ),
        ("columns: {urll: null}", "columns.urll: no file has a column 'urll'; did you mean \"url\""),
        ("columns: {n: {from: id}}", "columns.n: the documents' ids are not read as a column 'id'"),
        ("columns: {n: number}", "columns.n: input should be 'string', 'int', 'float'"),
        ("columns: {n: [int]}", "'n': expected a type, {from: NAME, type: TYPE} or null"),
        ("columns: {n: {form: x}}", "columns.n.form: unknown key"),
        ("where: n > 0 AND", "where: not a SQL expression"),
        ("where: m > 0", 'where: no column "m"'),
        ("where: n + 1", "where: it gives Int64, not true or false"),
        ("where: \"n = 'a'\"", "where: cannot compare string with numeric type"),
        ("where: \"tags = 'x'\"", "where: .*the column 'tags' must be a number"),
        ("where: n > AVG(n)", "where: a rule judges each document by itself"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path, source, expected):
    """Before anything is read."""
    with pytest.raises(DefinitionError, match=expected):
        spec_of(tmp_path, source)


def test_files_that_are_not_there_are_told_elsewhere(tmp_path):
    """Where the source is listed."""
    (tmp_path / "pipeline.yaml").write_text(DEFINITION.replace("SOURCE", 'where: "n > 0"'))
    assert resolve(load(tmp_path / "pipeline.yaml")).sources["crawl"].where == Where("n > 0", ())


def test_a_condition_reads_the_text_and_joined_columns(tmp_path):
    """Parts of a text as texts, columns of a table in its types."""
    (tmp_path / "side.csv").write_text("number,year\n1,2020\n")
    source = "join: {path: side.csv, on: {n: number}, columns: {year: int}}\n"
    source += "    where: \"text <> '' AND year > 2000\""
    assert spec_of(tmp_path, source).where.types == (("text", "string"), ("year", "int"))
