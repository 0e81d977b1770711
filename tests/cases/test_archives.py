"""Compressions, archives, tables and files that are no data: small ones made after public reports."""

import zipfile
from pathlib import Path

import polars as pl
import pytest

import refinery
from refinery.errors import InputError
from refinery.sources.ids import id_texts
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from tests.sources.reading import read_all, spec

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("case", "documents"),
    [
        ("01-pzstd", 200),
        ("07b-gzipped-parquet", 6),
        ("08d-lz4-beside", 6),
        ("08e-tar", 6),
        ("08f-zip", 6),
        ("08g-txt-gz-jsonl", 6),
        ("13b-ext-vs-plain", 6),
        ("13d-uuid-logical", 3),
        ("14a-encrypted-column", 6),
        ("22a-warc-zst-dictionary", 40),
        ("25a-compressed-names-alone", 6),
        ("54-delta-table/in/cases", 2),
        ("57b-double-gz", 3),
        ("57e-gz-padding-between", 6),
    ],
)
def test_all_documents_are_read(case, documents):
    """Each once, without a reject, with the columns that can be read."""
    folder = DATA / case if "/" in case else DATA / case / "in"
    found = read_all(spec(folder), carry=True)
    assert (len(found.texts), len(set(found.texts)), found.rejects) == (documents, documents, [])
    assert not list_shards(spec(folder)).broken


def test_json_as_text_is_its_text():
    """Arrow's JSON type is stored as strings."""
    assert set(read_all(spec(DATA / "13c-json-ext-text" / "in", text="meta")).texts) == {'{"a":1}'}


def test_a_uuid_is_its_36_characters_in_decisions():
    """As people and databases write it."""
    source = spec(DATA / "13d-uuid-logical" / "in")
    (shard,) = list_shards(source).shards
    (batch,) = read_documents(shard, source)
    assert id_texts(batch.ids)[0].as_py() == "0dd1b9ae-c1c2-4380-b505-e1f738702cfb"


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("14b-encrypted-footer", "is encrypted, its footer too"),
        ("26b-zstd-external-dictionary", r"zstd dictionary 343152308.*zstd -d -D"),
        ("55a-lfs-pointer-parquet", "Git LFS pointer.*git lfs pull"),
        ("55d-lfs-pointer-jsonl-zst", "Git LFS pointer.*git lfs pull"),
    ],
)
def test_what_cannot_be_read_is_told_before_the_work(case, told):
    """As what it is, by its file, with what to do."""
    with pytest.raises(InputError, match=told):
        list_shards(spec(DATA / case / "in"))


def test_a_pointer_beside_data_is_a_broken_file():
    """It gives no document and no reject of its lines."""
    source = spec(DATA / "55b-lfs-pointer-jsonl" / "in")
    assert list_shards(source).broken == (
        ("b.jsonl", "this is a Git LFS pointer, not the file itself (run `git lfs pull`)"),
    )
    assert (len(read_all(source).texts), read_all(source).rejects) == (3, [])


@pytest.mark.parametrize(
    ("case", "is_"),
    [
        ("08f-zip/in/a.jsonl.zip", "a zip archive"),
        ("08e-tar/in/a.jsonl.tar.gz", "a tar archive"),
        ("13b-ext-vs-plain/in/a.parquet", "Parquet"),
        ("22a-warc-zst-dictionary/in/a.warc.zst", "WARC"),
    ],
)
def test_what_is_called_json_and_is_none_is_told_before_the_work(tmp_path, case, is_):
    """As what it is, below its compression, with what to do."""
    (tmp_path / "a.jsonl").write_bytes((DATA / case).read_bytes())
    with pytest.raises(InputError, match=rf"a.jsonl: this is {is_}, not JSON \(give it an ending"):
        list_shards(spec(tmp_path))


LAWS = """refinery: 1
name: laws
guards: {rejected: 50%}
sources:
  laws: {path: "in/*.zip", join: {path: titles.csv, on: path, columns: {title: string}}}
stages: {titled: {from: laws, keep: [{titled: "title LIKE 'Law%'"}]}}
outputs: {titled: {from: titled, path: out}}
"""


def test_a_document_in_an_archive_is_known_by_the_file_in_it(tmp_path):
    """In decisions, ids, rejects, joins, `explain` and the error of a strict source; of many small archives, too."""
    (tmp_path / "in").mkdir()
    for number in range(20):
        with zipfile.ZipFile(tmp_path / "in" / f"{number}.zip", "w") as archive:
            archive.writestr("de/a.txt", f"The text of law {number}.")
            archive.writestr("de/b.jsonl", f'{{"text": "Line {number}"}}\n{{"text": \n')
    titles = [f"{number}.zip/de/b.jsonl,Law {number}" for number in range(20)]
    (tmp_path / "titles.csv").write_text("\n".join(["path,title", *titles]))
    (tmp_path / "pipeline.yaml").write_text(LAWS)
    refinery.run(tmp_path / "pipeline.yaml", workers=1, progress=False)
    decided = pl.read_parquet(tmp_path / "out.records/decisions-*.parquet")
    assert {
        (path, row, outcome) for path, row, outcome in decided.select("path", "row", "outcome").rows()
    } == {
        (f"{number}.zip/de/{name}", row, outcome)
        for number in range(20)
        for name, row, outcome in (
            ("a.txt", 0, "dropped"),
            ("b.jsonl", 0, "kept"),
            ("b.jsonl", 1, "rejected"),
        )
    }
    assert decided["id"].drop_nulls().n_unique() == 40
    document = refinery.explain(tmp_path / "pipeline.yaml", "7.zip/de/b.jsonl:0").document
    assert (document.text, document.values["title"]) == ("Line 7", "Law 7")
    (tmp_path / "pipeline.yaml").write_text(LAWS.replace('*.zip",', '*.zip", on_error: fail,'))
    with pytest.raises(InputError, match=r"in/0.zip/de/b.jsonl, row 1: not_json"):
        refinery.run(tmp_path / "pipeline.yaml", workers=1, progress=False)
