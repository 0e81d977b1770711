"""Outputs of token ids: the documents that an output of texts has, as a plain reader and the tokenizer see them."""

import hashlib

import polars as pl
import pyarrow as pa
import pytest
from tokenizers import Tokenizer

import refinery
from refinery.errors import InputError, RunError
from refinery.models.text_tokens import text_tokens
from refinery.run import tokenised
from refinery.run.folder import claim, staging_name
from refinery.run.manifest import TokenAccount
from refinery.run.tokenised import data_paths, index_name, sequences_name, token_account, write_tokens
from refinery.storage.write import WrittenFile
from tests.conftest import output_hashes, write_parquet
from tests.megatron import END, byte_level, read_pair, word_level

OUTPUTS = """
refinery: 1
name: tokens
sources: {crawl: {path: "crawl/*.parquet"}}
stages: {all: {from: crawl}}
outputs:
  texts: {from: all, path: texts, shard_bytes: 700, split: {validation: 30%}}
  ids: {from: all, path: ids, shard_bytes: 700, split: {validation: 30%}, tokenize: tokenizer.json}
"""


def corpus(folder):
    """Documents of several kinds, ids that are numbers, and one that spells the end."""
    texts = [f"document {n}: the heart beats, 汉字 {n}" * (n % 5) for n in range(60)]
    texts[7] = f"before {END} after"
    for number in range(3):
        rows = [{"id": n, "text": texts[n], "year": n} for n in range(60)][number::3]
        write_parquet(folder / "crawl" / f"{number}.parquet", rows)
    byte_level(folder / "tokenizer.json")
    (folder / "p.yaml").write_text(OUTPUTS)
    return folder / "p.yaml"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """A finished run of two outputs of the same documents, texts and ids."""
    definition = corpus(tmp_path_factory.mktemp("tokens"))
    return refinery.run(definition, workers=1, progress=False)


def test_the_ids_are_those_of_the_texts_in_their_order(outputs):
    """Split by split and file by file what the tokenizer makes of each document, the end behind it."""
    own = Tokenizer.from_file(str(outputs["ids"].path.parent / "tokenizer.json"))
    own.no_truncation()
    own.encode_special_tokens = True
    texts, ids = outputs["texts"], outputs["ids"]
    pairs = [file for file in ids.manifest.files if file.path.endswith(".bin")]
    assert len(pairs) == len(texts.manifest.files) > 5
    for pair, file in zip(pairs, texts.manifest.files, strict=True):
        assert pair.path.removesuffix(".bin") == file.path.removesuffix(".parquet")
        written = pl.read_parquet(texts.path / file.path)
        expected = [[*own.encode(text).ids, 0] for text in written["text"]]
        assert read_pair(ids.path / pair.path) == expected
        assert pair.rows == len(written)
        told = pl.read_parquet(ids.records / sequences_name(pair.path))
        assert told["sequence"].to_list() == list(range(len(written)))
        assert told["tokens"].to_list() == [len(one) for one in expected]
        assert told["start"].to_list() == [sum(map(len, expected[:n])) for n in range(len(expected))]
        lineage = written["lineage"].struct.unnest()
        assert told.select("source", "path", "row").equals(lineage)
        assert told["id"].to_list() == [str(one) for one in written["id"]]
    told = ids.sequences().collect()
    assert told["pair"].unique(maintain_order=True).to_list() == [
        pair.path.removesuffix(".bin") for pair in pairs
    ]
    with pytest.raises(InputError, match="token ids, no texts"):
        ids.documents()
    with pytest.raises(InputError, match="texts, no token ids"):
        texts.sequences()


def test_what_is_on_record_is_what_is_there(outputs):
    """Each file with its checksum; the tokens of each split, which Megatron's lists have as weights."""
    ids, kept = outputs["ids"], outputs["texts"].manifest.kept
    manifest = ids.manifest
    assert manifest.kept == kept
    assert sum(split.documents for split in manifest.splits.values()) == kept.documents
    there = {str(file.relative_to(ids.path)) for file in ids.path.rglob("*") if file.is_file()}
    assert there == {file.path for file in manifest.files}
    for folder, files in ((ids.path, manifest.files), (ids.records, manifest.sequences)):
        for file in files:
            assert hashlib.sha256((folder / file.path).read_bytes()).hexdigest() == file.sha256
    listed = {}
    for split in ("train", "validation"):
        words = (ids.records / f"data-path-{split}.txt").read_text().split()
        listed |= dict(zip(words[1::2], map(int, words[::2]), strict=True))
    assert listed == {
        file.path.removesuffix(".bin"): sum(map(len, read_pair(ids.path / file.path)))
        for file in manifest.files
        if file.path.endswith(".bin")
    }
    account = manifest.tokenised
    assert (account.tokens, account.eod, account.eod_id, account.dtype) == (
        sum(listed.values()),
        END,
        0,
        "uint16",
    )
    card = (ids.records / "README.md").read_text()
    assert f"{account.tokens:,} token ids (uint16)" in card and "configs:" not in card


def test_bytes_do_not_depend_on_workers_or_on_a_run_that_failed(tmp_path, outputs):
    """A run that cannot write one index goes on from the pairs that are whole."""
    definition = corpus(tmp_path)
    manifest = outputs["ids"].manifest
    whole, *_, last = [file.path for file in manifest.files]
    blocked = tmp_path / "ids.records" / staging_name(manifest.fingerprint) / last
    (tmp_path / "ids.records").mkdir()
    claim(tmp_path / "ids", "tokens", "ids")
    blocked.mkdir(parents=True)  # a file cannot take this place
    with pytest.raises(RunError, match=blocked.name):
        refinery.run(definition, workers=1, progress=False)
    before = (blocked.parents[1] / whole).stat().st_mtime_ns
    blocked.rmdir()
    refinery.run(definition, workers=2, progress=False)
    assert (tmp_path / "ids" / whole).stat().st_mtime_ns == before
    assert output_hashes(tmp_path / "ids") == output_hashes(outputs["ids"].path)


def test_an_object_store_has_the_same_files(tmp_path, outputs, bucket, s3_server):
    """Pairs, records and lists; the work folder may lie there too."""
    definition = corpus(tmp_path)
    definition.write_text(OUTPUTS.replace("path: ids", f"path: {bucket}/ids"))
    stored = refinery.run(definition, work=f"{bucket}/work", workers=1, progress=False)["ids"]
    expected = {one.sha256 for one in (*outputs["ids"].manifest.files, *outputs["ids"].manifest.sequences)}
    assert {one.sha256 for one in (*stored.manifest.files, *stored.manifest.sequences)} == expected
    there = {name for name in s3_server.objects(bucket) if name.startswith("ids")}
    local = outputs["ids"].path.parent
    files = {str(file.relative_to(local)) for file in local.glob("ids*/**/*") if file.is_file()}
    assert there - {"ids.records/.lock"} == files - {"ids.records/.lock"}
    assert stored.sequences().collect().equals(outputs["ids"].sequences().collect())


def test_small_lists_and_names():
    """Without splits there is one list; an output of no documents has none."""
    account = TokenAccount(tokenizer="", vocabulary=9, dtype="int32", eod="e", eod_id=1, tokens=3)
    files = [WrittenFile("data-00000.bin", 2, 12, ""), WrittenFile("data-00000.idx", 0, 50, "")]
    assert data_paths(account, files) == {"data-path.txt": "3 data-00000\n"}
    assert data_paths(account, []) == {}
    assert index_name("data-00000.bin") == "data-00000.idx"


def test_stretches_of_text_give_the_same_files(tmp_path, monkeypatch):
    """However much is encoded at once, and of no rows a pair of no sequences."""
    tokens = text_tokens(byte_level(tmp_path / "tokenizer.json"))
    lineage = pa.array([{"source": "s", "path": "p", "row": n} for n in range(30)])
    texts = pa.array(["the heart beats " * (n % 4) for n in range(30)], pa.large_string())
    rows = pa.RecordBatch.from_arrays([texts, pa.array(range(30)), lineage], ["text", "id", "lineage"])
    found = []
    for size, batches in ((10**6, [rows]), (50, [rows.slice(0, 7), rows.slice(7)])):
        monkeypatch.setattr(tokenised, "ENCODE_BYTES", size)
        found.append(write_tokens(tmp_path, "data-00000.bin", batches, tokens))
    assert found[0] == found[1]
    account = token_account(tokens, found[0])
    assert account.tokens == sum(map(len, read_pair(tmp_path / "data-00000.bin")))
    words = text_tokens(word_level(tmp_path / "words.json"))
    write_tokens(tmp_path, "data-00002.bin", [rows], words)
    told = pl.read_parquet(tmp_path / "sequences-00002.parquet")
    assert told["unknown"].to_list() == [2 * (n % 4) for n in range(30)]  # but "the"
    nothing = write_tokens(tmp_path, "data-00001.bin", [], tokens)
    assert [file.rows for file in nothing] == [0, 0, 0]
    assert read_pair(tmp_path / "data-00001.bin") == []
