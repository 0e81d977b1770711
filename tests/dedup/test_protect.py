"""The verb that a definition's `protect` implies, in a run."""

import json

import pyarrow.parquet as pq
import pytest

from refinery.dedup import corpus
from refinery.dedup.content import Content
from refinery.dedup.minhash import MinHash
from refinery.dedup.protect import Protect
from refinery.definition.protections import NearCopies
from tests.conftest import chinese_document, decisions, document, output_hashes, write_parquet

DEFINITION = """
refinery: 1
name: protected
protect:
  heldout: {from: heldout}
  exams: {benchmark: "eval/*.jsonl", columns: [question, answer]}
transform: [normalize]
sources:
  heldout: {path: "held/*.parquet"}
  crawl: {path: "crawl/*.parquet"}
stages:
  unique:
    from: crawl
    dedup: {exact: true, near: {similarity: 0.8}}
outputs:
  unique: {from: unique, path: out}
"""
QUESTIONS = (
    "Which vessel carries blood from the lungs to the left atrium of the heart?",
    "下列哪一项是国家的根本大法？",
)
PLANTED = {
    "copy": (document(100).upper(), "held0"),
    "near": (document(101) + " and more", "held1"),
    "zh-copy": (chinese_document(200).replace("　", " "), "zh-held0"),
    "zh-near": (chinese_document(201) + "另外还有一句话。", "zh-held1"),
    "question": (QUESTIONS[0].lower().rstrip("?"), "q0"),
    "zh-question": (QUESTIONS[1].replace("？", "?"), "q1"),
    "answer": ("Pulmonary vein.", "q0"),
}


@pytest.fixture
def repository(tmp_path):
    """A crawl in which copies of held-out documents and of items of a benchmark are planted, and near misses."""
    held = [{"id": f"held{n}", "text": document(100 + n)} for n in range(4)]
    held += [{"id": f"zh-held{n}", "text": chinese_document(200 + n)} for n in range(4)]
    write_parquet(tmp_path / "held" / "0.parquet", held)
    rows = [{"id": f"en{n}", "text": document(n)} for n in range(30)]
    rows += [{"id": f"zh{n}", "text": chinese_document(n)} for n in range(10)]
    rows += [{"id": f"half{n}", "text": document(100 + n)[:500] + document(n + 50)[:300]} for n in range(4)]
    rows += [{"id": "short", "text": QUESTIONS[0] + " The pulmonary vein."}]
    rows += [{"id": name, "text": text} for name, (text, _) in PLANTED.items()]
    for number in range(2):
        write_parquet(tmp_path / "crawl" / f"{number}.parquet", rows[number::2])
    items = zip(QUESTIONS, ("pulmonary vein", "宪法"), strict=True)
    lines = [{"id": f"q{n}", "question": q, "answer": a} for n, (q, a) in enumerate(items)]
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "exam.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    return tmp_path


def run(refinery, repository, *options):
    code, _, err = refinery("run", repository / "pipeline.yaml", "-q", *options)
    assert code == 0, err


def test_no_copy_of_what_is_protected_reaches_the_output(repository, refinery):
    """Planted copies, near ones and exam items are dropped with their match on record and counted; all else stays."""
    run(refinery, repository)
    found = decisions(repository / "out")
    dropped = {name: row for name, row in found.items() if row["outcome"] != "kept"}
    assert {name: row["duplicate_of_id"] for name, row in dropped.items()} == {
        name: original for name, (_, original) in PLANTED.items()
    }
    written = pq.read_table(repository / "out" / "data-00000.parquet").column("id").to_pylist()
    assert {*written} == {name for name in found if name not in PLANTED}
    for name, row in dropped.items():
        exam = name.endswith(("question", "answer"))
        assert (row["stage"], row["rule"]) == ("protect:unique", f"protect.{'exams' if exam else 'heldout'}")
        column = "answer" if name == "answer" else "question"
        assert row["duplicate_of_source"] == (f"protect:exams.{column}" if exam else "heldout")
        assert row["duplicate_of_path"] == ("exam.jsonl" if exam else "0.parquet")
        assert row["similarity"] == 1 or ("near" in name and 0.8 <= row["similarity"] < 1)
    manifest = json.loads((repository / "out.records" / "manifest.json").read_bytes())
    compared = {name: source["documents"] for name, source in manifest["protected"].items()}
    assert compared == {"heldout": 8, "protect:exams.question": 2, "protect:exams.answer": 2}
    stage = manifest["stages"]["protect:unique"]
    told = {rule: count["dropped"]["documents"] for rule, count in stage["rules"].items()}
    assert told == {"protect.heldout": 4, "protect.exams": 3}
    assert stage["arrived"]["documents"] == stage["kept"]["documents"] + 7


def test_a_held_out_source_that_comes_to_an_output_is_dropped_there(repository, refinery):
    """Its documents that come are dropped as themselves, whatever they hold; the account of documents adds up."""
    odd = "from: [heldout, crawl]\n    keep: [odd: 'bytes % 2 = 1']"
    (repository / "pipeline.yaml").write_text(DEFINITION.replace("from: crawl", odd))
    run(refinery, repository)
    found = decisions(repository / "out")
    own = [row for row in found.values() if row["source"] == "heldout"]
    assert {row["rule"] for row in own} == {"protect.heldout", "odd"}
    assert len(own) == 8
    assert {row["duplicate_of_id"] for row in own} == {None}
    assert {row["source"] for row in found.values() if row["outcome"] == "kept"} == {"crawl"}


OVERLAP = "columns: [question, answer], overlap: {%s}}"


def test_a_page_goes_that_has_an_item_inside(repository, refinery):
    """With the item, the share of it and the passage; answers that are too short to be looked for are told."""
    overlap = DEFINITION.replace("columns: [question, answer]}", OVERLAP % "words: 13, chars: 20")
    (repository / "pipeline.yaml").write_text(overlap)
    run(refinery, repository)
    row = decisions(repository / "out")["short"]
    assert (row["rule"], row["duplicate_of_id"], row["similarity"]) == ("protect.exams.overlap", "q0", 1)
    assert row["duplicate_of_source"] == "protect:exams.question"
    told = "2 texts of protect.exams are below 8 words or 13 characters: not looked for"
    manifest = json.loads((repository / "out.records" / "manifest.json").read_bytes())
    assert manifest["warnings"] == [f"stage protect:unique.2: {told}"]
    _, shown, _ = refinery("explain", repository / "pipeline.yaml", "short")
    assert f"passages of it in this one\n  | {QUESTIONS[0][:30]}" in shown
    _, _, again = refinery("run", repository / "pipeline.yaml")
    assert told in again


def test_an_item_inside_is_cut_with_its_sentence(repository, refinery):
    """The page stays without it, in every output and for all that is below; the passage is on record."""
    overlap = DEFINITION.replace("columns: [question, answer]}", OVERLAP % "action: cut")
    (repository / "pipeline.yaml").write_text(overlap)
    run(refinery, repository)
    found = decisions(repository / "out")
    assert {name for name, row in found.items() if row["outcome"] == "dropped"} == {*PLANTED}
    assert {name: row["cut_chars"] for name, row in found.items() if row["cut_chars"]} == {
        "short": len(QUESTIONS[0]) + 1
    }
    table = pq.read_table(repository / "out" / "data-00000.parquet", columns=["id", "text"])
    assert dict(zip(*table.to_pydict().values(), strict=True))["short"] == "The pulmonary vein."
    _, shown, _ = refinery("explain", repository / "pipeline.yaml", "short")
    assert f"protect.exams.overlap, {len(QUESTIONS[0]) + 1} characters" in shown


def test_workers_and_cuts_change_no_byte(repository, refinery, monkeypatch):
    """Four workers write what one does, and so do small partitions."""
    run(refinery, repository, "--work", repository / "one")
    one = output_hashes(repository / "out")
    (repository / "out.records" / "manifest.json").unlink()
    monkeypatch.setattr(corpus, "LEAST_DOCUMENTS", 7)
    monkeypatch.setattr("refinery.shuffle.partition.LEAST_BYTES", 300)
    run(refinery, repository, "--work", repository / "two", "--workers", 2)
    assert output_hashes(repository / "out") == one


def test_signatures_are_those_that_dedup_measures():
    """So a document that is compared by both is measured once."""
    verb = Protect({"heldout": ("heldout",)}, exact=True, near=NearCopies())
    assert verb.own_measurers == (Content(), MinHash())
    assert Protect(verb.protected, exact=False, near=NearCopies(words=3)).own_measurers == (MinHash(words=3),)
    assert Protect(verb.protected, exact=True, near=None).own_measurers == (Content(),)


def test_the_recall_at_the_threshold_is_told():
    """It is that of bands that are chosen for it."""
    verb = Protect({"heldout": ("heldout",)}, exact=True, near=NearCopies())
    (table,) = verb.explained()
    found = dict(zip(table.columns, table.rows[0], strict=True))
    assert float(found["0.8"]) >= 0.99
    assert verb.summary == "protect heldout: exact + near"
