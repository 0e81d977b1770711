"""The `url` measurer: host, site and canonical form of the URLs of a column."""

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

import refinery
from refinery.filters import url
from refinery.text.batch import TextBatch
from tests.conftest import document

URLS = [
    "http://www.a.co.uk/1?utm_source=feed",
    "HTTP://www.a.co.uk:80/1#comments",
    "https://b.github.io/2",
    None,
    "no URL",
]


def test_columns_of_urls():
    """A row a URL, NULL in all three where there is none; settings are the column and the lists followed."""
    measurer = url.build(url.Settings())
    found = measurer(TextBatch.from_arrow(pa.array(URLS))).to_pydict()
    assert found == {
        "host": ["www.a.co.uk", "www.a.co.uk", "b.github.io", None, None],
        "site": ["a.co.uk", "a.co.uk", "b.github.io", None, None],
        "canonical_url": [
            "http://www.a.co.uk/1",
            "http://www.a.co.uk/1",
            "https://b.github.io/2",
            None,
            None,
        ],
    }
    assert measurer(TextBatch.from_texts([])).schema == url.SCHEMA
    other = url.build(url.Settings(column="link.href"))
    assert other.settings == {**measurer.settings, "column": "link.href"} != measurer.settings


def test_a_table_has_them_beside_its_texts():
    """The column is the table's, whatever else is measured of its text."""
    table = pa.table({"text": ["One.", None], "link": [URLS[0], URLS[2]]})
    found = refinery.measure(table, [{"url": {"column": "link"}}, "size"])
    assert found.column_names == ["text", "link", "host", "site", "canonical_url", "bytes", "chars", "tokens"]
    assert found["site"].to_pylist() == ["a.co.uk", "b.github.io"]
    assert found["bytes"].to_pylist() == [4, None]
    with pytest.raises(refinery.InputError, match="no column"):
        refinery.measure(table, ["url"])


@pytest.fixture
def files(tmp_path) -> Path:
    """Pages with nested URLs, in JSON Lines, and books without."""
    rows = [{"id": str(n), "text": document(n), "meta": {"url": one}} for n, one in enumerate(URLS)]
    (tmp_path / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "books.jsonl").write_text(json.dumps({"id": "b", "text": document(9)}))
    return tmp_path


def pipeline(files: Path, **changes: object) -> refinery.Pipeline:
    definition = {
        "name": "pages",
        "transform": ["normalize"],
        "sources": {
            "pages": {"path": str(files / "pages.jsonl")},
            "books": {"path": str(files / "books.jsonl")},
        },
        "stages": {
            "linked": {
                "from": "pages",
                "transform": [{"lines": {"repeated": "50%"}}],
                "measure": [{"url": {"column": "meta.url"}}],
                "keep": [{"ours": "site = 'a.co.uk' OR host IS NULL OR canonical_url LIKE 'https://%'"}],
            },
            "unique": {"from": ["books", "linked"], "dedup": {"by": ["canonical_url"], "prefer": ["host"]}},
        },
        "outputs": {"all": {"from": "unique", "path": str(files / "out"), "measurements": ["site"]}},
    }
    definition["outputs"]["all"] |= changes.pop("output", {})
    definition["stages"] |= changes
    return refinery.Pipeline(**definition)


def test_rules_dedup_and_splits_read_them(files):
    """Of two spellings of a URL one stays; a site is wholly in one split; what has no URL is no duplicate."""
    split = {"split": {"test": "site = 'b.github.io'"}}
    (output,) = refinery.run(pipeline(files, output=split), workers=1, progress=False).values()
    found = output.documents().collect()
    assert sorted(found["id"].to_list()) == ["0", "2", "3", "4", "b"]
    assert dict(zip(found["id"], found["site"], strict=True)) == {
        "0": "a.co.uk", "2": "b.github.io", "3": None, "4": None, "b": None
    }  # fmt: skip
    assert {name: part.documents for name, part in output.manifest.splits.items()} == {"test": 1, "train": 4}


def test_documents_of_a_site_share_a_split(files):
    """By the hash of a measured column."""
    output = {"split": {"validation": "50%"}, "split_by": "site"}
    stages = {"unique": {"from": "linked"}}
    refinery.run(pipeline(files, output=output, **stages), workers=1, progress=False)
    parts = [pl.read_parquet(files / "out" / "data" / f"{split}-*") for split in ("train", "validation")]
    assert sum(map(len, parts)) == 5
    assert not set(parts[0]["site"]) & set(parts[1]["site"])


def test_transforms_of_the_text_measure_no_column_again(files):
    """One measurement, whatever texts stages have."""
    other = {
        "from": "pages",
        "measure": [{"url": {"column": "meta.url"}}],
        "keep": [{"there": "host IS NOT NULL"}],
    }
    graph = refinery.check(pipeline(files, other=other)).graph
    assert [m.view.transforms for m in graph.measurements("pages") if m.measurer.name == "url"] == [()]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"measure": [{"url": {"column": "meta.link"}}]}, "no source has the column 'meta.link'"),
        ({"measure": [{"url": {"column": "meta"}}]}, "'meta' is struct"),
        (
            {"from": ["pages", "books"]},
            "books has no column 'meta.url': measure it in a stage `from: pages` alone",
        ),
    ],
)
def test_a_column_that_is_not_there_is_told_before_the_work(files, changes, problem):
    """With form and meaning: of no source, of some, and one of objects."""
    linked = {"from": "pages", "measure": [{"url": {"column": "meta.url"}}], **changes}
    with pytest.raises(refinery.DefinitionError, match=problem.replace("(", r"\(")):
        refinery.check(pipeline(files, linked=linked, unique={"from": "linked"}))
