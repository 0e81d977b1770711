"""What is protected, and what is held out, do not depend on lines that go because other documents have them."""

import pyarrow.parquet as pq

from tests.conftest import document, read_files, write_parquet

FOOTER = "\nWe use cookies to make this site better for you. Accept all"
DEFINITION = """
refinery: 1
name: held
transform: [normalize, {lines: {repeated: 5%, least_documents: 10}}]
SETTING
sources:
  crawl: {path: "crawl/*.parquet"}
  heldout: {path: "heldout/*.jsonl"}
stages:
  screened: {from: crawl, measure: [signals], keep: [{some: "words > 3"}]}
outputs:
  all: {from: screened, path: out}
"""


def write(folder, texts, setting):
    rows = [{"id": f"c{n}", "text": text + FOOTER} for n, text in enumerate(texts)]
    write_parquet(folder / "crawl" / "b.parquet", rows)
    (folder / "heldout").mkdir(exist_ok=True)
    held = [
        f'{{"id": "h{n}", "text": "{text}{FOOTER}"}}'.replace("\n", "\\n") for n, text in enumerate(texts[:3])
    ]
    (folder / "heldout" / "h.jsonl").write_text("\n".join(held))
    (folder / "pipeline.yaml").write_text(DEFINITION.replace("SETTING", setting))


def test_a_footer_that_goes_from_the_crawl_alone_hides_no_copy(tmp_path, refinery):
    """Of 30 documents with a footer three are held out as they are: none of them is written."""
    texts = [document(n, 12) for n in range(30)]
    write(tmp_path, texts, "protect: {held: {from: heldout, near: null}}")
    code, _, err = refinery("run", tmp_path / "pipeline.yaml", "-q")
    assert code == 0, err
    written = read_files(tmp_path / "out", "data")
    assert set(written.column("id").to_pylist()) == {f"c{n}" for n in range(3, 30)}
    assert not any("cookies" in text for text in written.column("text").to_pylist())


def test_a_row_that_cannot_be_read_is_not_left_unprotected(tmp_path, refinery):
    """The run stops and says where, unless the definition puts such rows aside."""
    texts = [document(n, 12) for n in range(30)]
    write(tmp_path, texts, "protect: {held: {from: heldout}}")
    file = tmp_path / "heldout" / "h.jsonl"
    file.write_text(file.read_text().replace('"h1", ', '"h1" '))
    code, _, err = refinery("run", tmp_path / "pipeline.yaml", "-q")
    assert (code, "h.jsonl, row 1" in err) == (2, True), err
    definition = tmp_path / "pipeline.yaml"
    definition.write_text(definition.read_text().replace('jsonl"}', 'jsonl", on_error: quarantine}'))
    assert refinery("run", definition, "-q")[0] == 0


def test_a_split_does_not_follow_a_line_that_goes_later(tmp_path, refinery):
    """More documents with the same footer take it from all: none moves to another split."""

    def splits():
        return {
            id: file.name.split("-")[0]
            for file in (tmp_path / "out" / "data").glob("*.parquet")
            for id in pq.read_table(file, columns=["id"]).column(0).to_pylist()
        }

    texts = [document(n, 12) for n in range(120)]
    write(tmp_path, texts[:9], "")
    definition = tmp_path / "pipeline.yaml"
    definition.write_text(definition.read_text().replace("path: out", "path: out, split: {validation: 40%}"))
    assert refinery("run", definition, "-q")[0] == 0
    before = splits()
    assert set(before.values()) == {"validation", "train"}
    rows = [{"id": f"d{n}", "text": text + FOOTER} for n, text in enumerate(texts[9:])]
    write_parquet(tmp_path / "crawl" / "a.parquet", rows)
    assert refinery("run", definition, "-q")[0] == 0
    assert not any(
        "cookies" in text for text in read_files(tmp_path / "out", "data").column("text").to_pylist()
    )
    assert {id: split for id, split in splits().items() if id in before} == before
