"""What a run says of scores without labels."""

import json
from pathlib import Path

import numpy as np
import pytest

import refinery
from refinery.api.runs import plan
from refinery.errors import DefinitionError, InputError
from refinery.report import compare_run
from refinery.report.compare_run import gold_recall, speeds
from refinery.run.finished import finished

DEFINITION = """
refinery: 1
name: scored
sources:
  crawl: {path: "crawl/*.jsonl"}
stages:
  scored:
    from: crawl
    measure: [signals, {url: {column: page}}]
    derive: {longer: "words * 2"}
    keep: [some: "chars >= 5", good: "score >= 0.75"]
  bare: {from: crawl, measure: [signals], keep: [any: "words >= 0"]}
outputs: {scored: {from: scored, path: out}, bare: {from: bare, path: bare}}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 documents of two files; of each fourth, of a.gov or b.org, the score is higher; some have no score."""
    folder = tmp_path_factory.mktemp("gold")
    (folder / "crawl").mkdir()
    numbers = np.random.default_rng(1)
    for file in range(2):
        rows = [
            {
                "text": f"page {n} of {file} " + "word " * 9 if n else "x",
                "page": f"https://{('www.a.gov', 'b.org')[file] if n % 4 == 0 else f'c{n}.com'}/{n}",
                "score": None if n % 10 == 9 else float(numbers.random()) + 0.5 * (n % 4 == 0),
            }
            for n in range(200)
        ]
        (folder / "crawl" / f"{file}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "pipeline.yaml").write_text(DEFINITION)
    refinery.run(folder / "pipeline.yaml", workers=1, progress=False)
    return folder


def test_recall_on_gold_hosts_against_what_is_kept(base: Path) -> None:
    """Counted by hand over all that came to the stage; the rule's own limit is one of the cuts."""
    looked = finished(plan(base / "pipeline.yaml"), "scored")
    given = ["nowhere.org", "a.gov", "b.org", "c1.com"]
    found = gold_recall(looked, "scored", ["score", "words"], given)
    assert (found.stage, found.documents, found.gold_documents, found.hosts) == ("scored", 400, 102, 3)
    assert (found.asked, found.absent) == (4, ("nowhere.org",))  # a.gov has those of www.a.gov
    rows = [
        json.loads(line)
        for file in range(2)
        for line in (base / "crawl" / f"{file}.jsonl").read_text().splitlines()
    ]
    rule = next(cut for cut in found.cuts if cut.column == "score" and cut.threshold == 0.75)
    above = [row for row in rows if (row["score"] or 0) >= 0.75]
    gold = [row for row in above if any(host in row["page"] for host in (".a.gov", "/b.org", "/c1.com"))]
    assert (rule.kept, rule.recall) == (len(above) / 400, len(gold) / 102)
    assert rule.recall > 1.5 * rule.kept
    assert {cut.column for cut in found.cuts} == {"score", "words"}


def test_of_many_documents_a_sample_is_told(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The counts are of all, shares are near."""
    looked = finished(plan(base / "pipeline.yaml"), "scored")
    whole = gold_recall(looked, "scored", ["score"], ["a.gov"])
    monkeypatch.setattr(compare_run, "MOST", 150)
    some = gold_recall(looked, "scored", ["score"], ["a.gov"])
    assert (some.documents, some.gold_documents) == (whole.documents, whole.gold_documents) == (400, 50)
    at = [next(cut for cut in one.cuts if cut.threshold == 0.75) for one in (whole, some)]
    assert at[0].recall == at[1].recall and 0 < abs(at[0].kept - at[1].kept) < 0.1


def test_what_cannot_be_told(base: Path) -> None:
    """A stage without hosts, hosts of no document, no such column."""
    looked = finished(plan(base / "pipeline.yaml"), "scored")
    bare = finished(plan(base / "pipeline.yaml"), "bare")
    with pytest.raises(DefinitionError, match=r"stage bare: has no column `host`.*add `url`"):
        gold_recall(bare, "bare", ["words"], ["a.gov"])
    with pytest.raises(InputError, match="none of the 1 gold hosts has a document that came to scored"):
        gold_recall(looked, "scored", ["score"], ["nowhere.org"])
    with pytest.raises(DefinitionError, match=r'no column .wrds.; did you mean "words"'):
        gold_recall(looked, "scored", ["wrds"], ["a.gov"])


def test_what_is_measured_on_texts_has_a_speed(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One for all columns of a measurer; what is derived or of the files has none."""
    monkeypatch.setattr(compare_run, "SECONDS", 0.01)
    looked = finished(plan(base / "pipeline.yaml"), "scored")
    found = speeds(looked, "scored", ["words", "mean_word_length", "longer", "score"])
    assert list(found) == ["words", "mean_word_length"] and found["words"] == found["mean_word_length"] > 1e4
