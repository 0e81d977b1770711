"""Columns of the sources' files in the SQL of a stage."""

import json

import pyarrow as pa
import pytest

from refinery.definition.load import load
from refinery.errors import DefinitionError
from refinery.plan.file_columns import common_name
from refinery.plan.graph import ResolvedStage
from refinery.plan.resolve import resolve
from refinery.plan.verbs import is_carried
from refinery.sources.schema import FROM_JSON
from refinery.storage.marks import json_text
from tests.conftest import document, write_parquet

DEFINITION = """
refinery: 1
name: columns
sources:
  laws: {path: laws}
  news: {path: news}
stages:
  all:
    from: [laws, news]
    STAGE
  below: {from: all, keep: [{again: "year > 0"}]}
outputs:
  below: {from: below, path: out}
"""
ROWS = {
    "laws": {"year": 2015, "date": "2015-01-01", "lang": "de", "tags": ["x"], "court": "BGH", "odd": None},
    "news": {
        "year": 2016.5,
        "date": "2016-01-01",
        "source": "reuters",
        "meta": {"license": "mit"},
        "odd": None,
    },
}


@pytest.fixture
def files(tmp_path):
    """One source is Parquet, the other JSON Lines."""
    write_parquet(tmp_path / "laws" / "0.parquet", [{"id": "a", "text": document(1), **ROWS["laws"]}])
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "0.jsonl").write_text(json.dumps({"id": "b", "text": document(2), **ROWS["news"]}))
    return tmp_path


def stages_of(folder, stage: str) -> dict[str, ResolvedStage]:
    (folder / "pipeline.yaml").write_text(DEFINITION.replace("STAGE", stage), encoding="utf-8")
    return resolve(load(folder / "pipeline.yaml")).stages


def problem(folder, stage: str) -> str:
    with pytest.raises(DefinitionError) as caught:
        stages_of(folder, stage)
    return "\n".join(caught.value.problems)


def test_what_rules_and_derived_columns_read_is_found_in_the_files(files):
    """In one type over all sources; each stage takes the columns that it reads itself."""
    stages = stages_of(
        files, "derive: {recent: \"date > '2015'\"}\n    keep: [{old: 'year < 2017 OR recent'}]"
    )
    for source in ("laws", "news"):
        columns = stages["all"].columns[source]
        assert {name: columns[name].type for name in ("year", "date", "recent")} == {
            "year": pa.float64(), "date": pa.string(), "recent": pa.bool_(),
        }  # fmt: skip
        assert is_carried(columns["year"])
        assert "date" not in stages["below"].columns[source]
        assert "recent" in stages["below"].columns[source]


def test_another_type_is_another_column(files):
    """Decisions that were made when a column had another type are not taken for these."""
    keys = []
    for value in (2016.5, 2016):
        line = {"id": "b", "text": document(2), **ROWS["news"], "year": value}
        (files / "news" / "0.jsonl").write_text(json.dumps(line))
        keys.append(stages_of(files, "keep: [{r: 'year > 2000'}]")["all"].columns["laws"]["year"].key)
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("keep: [{r: \"court = 'BGH'\"}]", r"keep.0: the column 'court' of the source laws is not in news: judge"),
        ("keep: [{r: \"tags = 'x'\"}]", r"keep.0: the column 'tags' of the source laws is not in news"),
        ("derive: {r: 'odd > 1'}", r"derive: the first rows have no value of the column 'odd'; .*{odd: TYPE}"),
        ("keep: [{r: 'yeer > 1'}]", r'no column "yeer"'),
        ("keep: [{r: \"source <> 'reuters'\"}]", r"source is never 'reuters'.*columns: {origin: {from: source}}"),
        ("keep: [{r: \"year = 'abc'\"}]", r"cannot compare string with numeric type"),
        (
            "measure: [language]\n    keep: [{r: \"lang = 'en'\"}]",
            r"keep.0: the source laws has a column 'lang' of its own; rename that one: .*{input_lang: {from: lang}}",
        ),
        ("derive: {year: 'words > 1'}\n    measure: [signals]", r"the source 'laws' has a column 'year' already"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told(files, stage, expected):
    """With the place, and what to write."""
    import re

    assert re.search(expected, problem(files, stage))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([pa.field("x", pa.int8()), pa.field("x", pa.int64())], "int"),
        ([pa.field("x", pa.int8()), pa.field("x", pa.float32()), pa.field("x", pa.null())], "float"),
        ([pa.field("x", pa.date32()), pa.field("y", pa.string())], "date"),
        (
            [pa.field("x", pa.date32()), pa.field("x", pa.string())],
            "'x' is date in f0, string in f1; .*{x: date}",
        ),
        ([pa.field("x", pa.list_(pa.string()))], "f0: the column 'x' must be a number, .*: it is list"),
        ([json_text("x", "it mixes types")], "must be .*: it mixes types; .*{x: string}"),
        ([pa.field("y", pa.string())], 'no column "x"; there is y'),
    ],
)
def test_a_column_has_one_plain_type(fields, expected):
    """The one that holds the values of all places; otherwise what it is where is told."""
    places = [(f"f{n}", pa.schema([field], metadata=FROM_JSON)) for n, field in enumerate(fields)]
    if " " not in expected:
        assert common_name("x", places) == expected
        return
    with pytest.raises(DefinitionError, match=expected):
        common_name("x", places)
