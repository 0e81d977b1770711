"""Texts out of which a verb has cut passages: whatever lies below it has what is left."""

import json

import pyarrow as pa
import pytest

from refinery.plan.graph import VerbCut, View
from refinery.run.texts import apply_transforms
from tests.conftest import decisions, output_hashes, read_files, write_parquet

WORD = "年 FOOTER "
DEFINITION = """
refinery: 1
name: cutting
sources:
  crawl: {path: "crawl/*.parquet"}
stages:
  cut:
    from: crawl
    cut_word: {word: "年 FOOTER "}
  counted:
    from: cut
    transform: [{lines: {repeated: 1%, least_documents: 10}}]
    measure: [signals]
    keep: [some: "words >= 2"]
  distinct:
    from: counted
    dedup: {exact: true, prefer: ["chars DESC"]}
  chosen:
    from: distinct
    select: {tokens: 1000, by: bytes}
outputs:
  cut: {from: cut, path: cut, measurements: [bytes, chars]}
  chosen: {from: chosen, path: chosen}
"""


@pytest.fixture
def cutting(tmp_path, monkeypatch):
    """Documents with a word that an installed verb cuts, or with no other, or alike but for it; their texts by id."""
    information = tmp_path / "site" / "cutting-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: cutting\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[refinery.verbs]\ncut_word = tests.run.cutting_verb\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    texts = {f"plain{n}": f"Plain words, {'so ' * n}many." for n in range(12)}
    texts |= {f"cut{n}": f"{WORD * (n % 3)}Ein Maß\nof {n} {WORD}{WORD}words é." for n in range(20)}
    texts |= {"alike1": f"Much the same {WORD}text.", "alike2": "Much the same text.", "only": WORD}
    rows = [{"id": name, "text": text} for name, text in texts.items()]
    for number in range(3):
        write_parquet(tmp_path / "crawl" / f"{number}.parquet", rows[number::3])
    (tmp_path / "pipeline.yaml").write_text(DEFINITION, "utf-8")
    return tmp_path, texts


def test_what_lies_below_has_what_is_left(cutting, refinery):
    """Outputs, counts, measurements, rules and verbs below see the text without passages, whoever runs the units."""
    base, texts = cutting
    hashes = []
    for workers in (1, 2):
        work = base / f"work-{workers}"
        code, _, err = refinery("run", base / "pipeline.yaml", "-q", "--workers", workers, "--work", work)
        assert code == 0, err
        hashes.append([output_hashes(base / name) for name in ("cut", "chosen")])
        for name in ("cut", "chosen"):
            (base / f"{name}.records" / "manifest.json").rename(base / f"{name}-{workers}.json")
    assert hashes[0] == hashes[1]
    written = {row["id"]: row for row in read_files(base / "cut", "data").to_pylist()}
    left = {name: text.replace(WORD, "") for name, text in texts.items() if text != WORD}
    assert {name: row["text"] for name, row in written.items()} == left
    assert all(row["bytes"] == len(row["text"].encode()) for row in written.values())
    assert all(row["chars"] == len(row["text"]) for row in written.values())
    chosen = {row["id"]: row["text"] for row in read_files(base / "chosen", "data").to_pylist()}
    assert chosen["cut3"] == "of 3 words é."  # the other line is counted without the word
    for workers in (1, 2):
        removed = json.loads((base / f"chosen-{workers}.json").read_text())["stages"]["counted"]["removed"]
        line = {"documents": 20, "parts": 20, "bytes": 160, "characters": 140}
        assert removed == {"crawl": {"lines.repeated": line}}
    found = decisions(base / "chosen")
    assert {name: row["cut_chars"] for name, row in found.items()} == {
        name: 0 if text == WORD else text.count(WORD) * len(WORD) for name, text in texts.items()
    }
    assert found["only"]["rule"] == "cut_word.nothing"
    assert {found["alike1"]["rule"], found["alike2"]["rule"]} == {None, "dedup.exact"}


def test_what_was_cut_is_counted_and_explained(cutting, refinery):
    """The manifest and the funnel count what was cut apart from documents; `explain` shows each passage."""
    base, texts = cutting
    code, out, err = refinery("run", base / "pipeline.yaml", "--workers", 1)
    assert code == 0, err
    count = sum(text.count(WORD) for text in texts.values() if text != WORD)
    manifest = json.loads((base / "cut.records" / "manifest.json").read_text())
    expected = {"documents": 21, "bytes": count * len(WORD.encode()), "characters": count * len(WORD)}
    assert manifest["stages"]["cut"]["cut"] == expected
    kept, below = (manifest["stages"][name]["arrived"]["bytes"] for name in ("cut", "cut:cut"))
    assert kept - below == expected["bytes"] + len(WORD.encode())
    assert "(21)" in out + err
    code, out, err = refinery("explain", base / "pipeline.yaml", "cut2", "--output", "chosen")
    assert code == 0, err
    assert out.count("cut by cut: cut_word.word, 9 characters") == 4


def test_nothing_is_done_again(cutting, refinery):
    """A second run makes nothing; with another word only what lies below the verb is made again."""
    base, _ = cutting
    refinery("run", base / "pipeline.yaml", "-q")
    _, out, _ = refinery("plan", base / "pipeline.yaml", "--json")
    assert json.loads(out)["to_make"] == []
    (base / "pipeline.yaml").write_text(DEFINITION.replace('{word: "年 FOOTER "}', "{word: FOOTER}"), "utf-8")
    _, out, _ = refinery("plan", base / "pipeline.yaml", "--json")
    missing = {one["result"] for one in json.loads(out)["to_make"]}
    assert "stages.cut" not in missing
    assert {"stages.cut.cut_word", "sources.crawl.cut.lines", "stages.counted", "outputs.cut"} <= missing


def test_cuts_of_some_rows():
    """Texts of which nothing is cut stay the same array, NULL stays; a text of nobody's is only transformed."""
    view = View("crawl", (VerbCut("cut", "0" * 32),))
    text = pa.array(["a", None], pa.large_string())
    assert apply_transforms(view, text) is text
