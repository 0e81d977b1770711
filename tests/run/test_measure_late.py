"""Costly measurements see what arrives at their stage, each document once."""

import pyarrow.parquet as pq
import pytest

from refinery.filters import registry
from refinery.run import walk as walks
from tests.conftest import decisions, output_hashes
from tests.run import costly_measurer

PIPELINE = """
refinery: 1
name: costly
sources:
  crawl: {path: "crawl/*.parquet"}
stages:
  screened:
    from: crawl
    measure: [language, signals]
    keep:
      - english: "lang = 'en' AND lang_score >= 0.5"
      - long_enough: "words >= WORDS"
  judged:
    from: screened
    measure: [costly]
    keep: [{large: "costly >= 100"}]
  unique:
    from: judged
    dedup: {exact: true, prefer: ["costly DESC"]}
outputs:
  unique: {from: unique, path: out, measurements: [costly]}
"""


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(registry.MEASURERS.built_in, "costly", "tests.run.costly_measurer")
    costly_measurer.SEEN.clear()


def run(folder, refinery, words: int) -> int:
    """Runs with a threshold upstream; gives the documents that were measured."""
    costly_measurer.SEEN.clear()
    (folder / "pipeline.yaml").write_text(PIPELINE.replace("WORDS", str(words)), encoding="utf-8")
    code, _, err = refinery("run", folder / "pipeline.yaml", "-q")
    assert code == 0, err
    return sum(costly_measurer.SEEN)


def test_only_what_arrives_is_measured_and_only_once(data_repository, refinery):
    """46 of 61 documents reach the stage; other thresholds upstream measure just what they let through anew."""
    assert run(data_repository, refinery, 50) == 46
    first = output_hashes(data_repository / "out")
    rows = pq.read_table(data_repository / "out" / "data-00000.parquet").to_pylist()
    assert [row["costly"] for row in rows] == [len(row["text"].encode()) for row in rows]
    assert run(data_repository, refinery, 50) == 0
    assert run(data_repository, refinery, 5) <= 5
    assert run(data_repository, refinery, 50) == 0
    assert output_hashes(data_repository / "out") == first


def test_what_goes_round_the_stage_is_measured_where_the_branches_meet(data_repository, refinery):
    """A branch without the costly stage still has its numbers where documents are ranked by them."""
    text = PIPELINE.replace("from: judged", "from: [judged, screened]").replace("WORDS", "50")
    text = text.replace("costly >= 100", "costly >= 1000000")
    (data_repository / "pipeline.yaml").write_text(text, encoding="utf-8")
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    table = pq.read_table(data_repository / "out" / "data-00000.parquet")
    assert table.num_rows == 40
    assert table.column("costly").null_count == 0
    assert sum(costly_measurer.SEEN) == 46


@pytest.mark.parametrize("where", ["decide_tasks", "run_verb", "make_output"])
def test_an_earlier_file_put_over_a_later_one_drops_nothing(data_repository, refinery, monkeypatch, where):
    """As a worker does that was thought dead: the file is made again, whoever meets it first."""
    text = PIPELINE.replace("costly >= 100", "costly >= 1")
    for words, path in ((50, "first"), (3, "whole")):
        (data_repository / "pipeline.yaml").write_text(
            text.replace("WORDS", str(words)).replace("path: out", f"path: {path}"), encoding="utf-8"
        )
        assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
        if path == "first":
            earlier = {file: file.read_bytes() for file in data_repository.rglob("measured-costly-*")}
    for file in data_repository.rglob("d*ed-*"):  # what was decided from the later files
        file.unlink()
    expected = decisions(data_repository / "whole")
    assert len(expected) > len([r for r in expected.values() if r["outcome"] == "dropped"]) > 0
    step = getattr(walks, where)

    def late(*arguments):
        named = getattr(arguments[1], "name", arguments[1])
        if earlier and "unique" in named:
            for file, content in earlier.items():
                file.write_bytes(content)
            earlier.clear()
        return step(*arguments)

    monkeypatch.setattr(walks, where, late)
    (data_repository / "whole.records" / "manifest.json").unlink()
    code, _, err = refinery("run", data_repository / "pipeline.yaml")
    assert code == 0, err
    assert "are not measured; it is made again" in " ".join(err.split())
    assert not earlier
    assert decisions(data_repository / "whole") == expected
