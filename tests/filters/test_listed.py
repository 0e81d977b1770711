"""The `listed` measurer: whether a list has the value of a column."""

import pickle
from pathlib import Path

import pyarrow as pa
import pytest

import refinery
from refinery.filters import listed
from refinery.text.batch import TextBatch
from tests.conftest import document, write_parquet


@pytest.fixture
def block_list(tmp_path) -> Path:
    (tmp_path / "blocked.txt").write_text("bad.org\n0.0.0.0 ads.example.com\n")
    return tmp_path / "blocked.txt"


def build(**settings):
    return listed.build(listed.Settings.model_validate(settings))


def test_urls_and_hosts_are_looked_up_by_domain(block_list):
    """Of a URL its host, of a host itself; what is neither is not listed, and no value is NULL."""
    values = [
        "http://WWW.bad.org:80/x",
        "bad.org",
        "Ads.Example.com.",
        "http://good.org/?bad.org",
        "",
        "x bad.org",
        "a/bad.org",
    ]
    measurer = build(column="url", file=block_list, match="domain")
    found = pickle.loads(pickle.dumps(measurer))(TextBatch.from_texts(values))
    assert found.to_pydict() == {"listed": [True, True, True, False, False, False, False]}
    assert measurer(TextBatch.from_texts([])).num_rows == 0


def test_urls_are_looked_up_in_their_canonical_form(tmp_path):
    """However they are written on either side; a host alone is no URL."""
    (tmp_path / "seen").write_text("HTTP://A.org:80/%7Ejoe/../b?utm_source=x&id=1#top\n")
    measurer = build(column="url", file=tmp_path / "seen", match="url")
    values = ["http://a.org/b?id=1", "http://a.org/b?id=1&gclid=9#end", "https://a.org/b?id=1", "a.org", ""]
    found = measurer(TextBatch.from_texts(values))
    assert found.to_pydict() == {"listed": [True, True, False, False, False]}
    (tmp_path / "seen").write_text("http://a.org/\na.org\n")
    with pytest.raises(refinery.InputError, match=r"1 entry is no URL: line 2: a\.org"):
        build(column="url", file=tmp_path / "seen", match="url")


def test_its_key_is_the_content_of_the_list(block_list, tmp_path):
    """Not its path; each setting changes `settings`."""
    one = build(column="url", file=block_list, match="domain")
    (tmp_path / "copy").write_bytes(block_list.read_bytes())
    assert build(column="url", file=tmp_path / "copy", match="domain").settings == one.settings
    (tmp_path / "other").write_text("bad.org\n")
    others = [
        build(column="url", file=tmp_path / "other", match="domain"),
        build(column="link", file=block_list, match="domain"),
        build(column="url", file=block_list, match="exact"),
    ]
    assert len({str(other.settings) for other in [one, *others]}) == 4


def test_numbers_are_compared_as_texts(tmp_path):
    """In the one form that dedup compares them in."""
    (tmp_path / "ids").write_text("7\n12\n")
    table = pa.table({"text": ["a", "b", "c", "d"], "pmid": [7.0, 8.0, 12.0, None]})
    found = refinery.measure(
        table, [{"listed": {"column": "pmid", "file": str(tmp_path / "ids"), "as": "chosen"}}]
    )
    assert found["chosen"].to_pylist() == [True, False, True, False]


DEFINITION = """
refinery: 1
name: screened
roots: {lists: ./}
sources: {crawl: {path: "crawl/*.parquet"}}
stages:
  screened:
    from: crawl
    measure:
      - {listed: {column: url, file: "{lists}/blocked.txt", match: domain, as: blocked}}
      - {listed: {column: id, file: "{lists}/allowed.txt", as: allowed}}
    keep: [{not_blocked: "NOT blocked"}, {allowed: "allowed"}]
outputs: {screened: {from: screened, path: out}}
"""


def keys_of_measurements(file: Path) -> set[str]:
    return {measurement.key for measurement in refinery.plan(file).graph.measurements("crawl")}


def test_a_run_with_two_lists(block_list, tmp_path):
    """A changed list measures what it is of again, and nothing else; a bad entry is told at its place."""
    urls = ["http://a.org/", "https://www.bad.org/", None, "http://b.org/"]
    rows = [{"id": f"d{n}", "text": document(n), "url": one} for n, one in enumerate(urls)]
    write_parquet(tmp_path / "crawl" / "0.parquet", rows)
    (tmp_path / "allowed.txt").write_text("d0\nd1\nd2\n")
    file = tmp_path / "pipeline.yaml"
    file.write_text(DEFINITION)
    (output,) = refinery.run(file, workers=1, progress=False).values()
    assert sorted(output.documents().collect()["id"]) == ["d0", "d2"]
    before = keys_of_measurements(file)
    block_list.write_text("a.org\n")
    assert len(before & keys_of_measurements(file)) == len(before) - 1
    block_list.write_text("a.org\nhttp://b.org/\n")
    with pytest.raises(
        refinery.DefinitionError, match=r"pipeline.yaml:10: .*blocked.txt: 1 entry is no domain: line 2"
    ):
        refinery.check(file)
