"""An output's documents by their signatures: made once, and known to be of this very output."""

import json

import numpy as np
import pyarrow as pa
import pytest

from refinery.dedup.lookup import sign
from refinery.dedup.minhash import MinHash
from refinery.errors import InputError
from refinery.report.output_index import keys_of, open_corpus, place_of_key, signed_documents
from refinery.text.batch import TextBatch
from tests.cases import run, write_jsonl
from tests.conftest import document

TEXTS = [document(n) for n in range(40)] + ["too short"]


def write(folder, texts=TEXTS):
    write_jsonl(folder / "in" / "a.jsonl", [{"id": f"d{n}", "text": text} for n, text in enumerate(texts)])


def test_signatures_are_those_of_the_outputs_own_dedup(tmp_path, refinery):
    """With its settings, so that what is near there is near here; else with the defaults."""
    write(tmp_path)
    plain = run(refinery, tmp_path)
    assert open_corpus(plain.output).minhash == MinHash()
    near = {"num_perm": 64, "words": 3, "chars": 5, "seed": 9}
    own = run(refinery, tmp_path, stage={"dedup": {"near": near}}, output={"path": "own"})
    assert open_corpus(own.output).minhash == MinHash(**near)
    assert "1.000 (the same words)  d5" in refinery("find", own.output, TEXTS[5])[1]


def test_every_document_is_signed_once(tmp_path, refinery):
    """The index has a row for each, in order, with its place; it is made again for another output alone."""
    write(tmp_path)
    ran = run(refinery, tmp_path, output={"shard_bytes": 8_000})
    corpus, file, notes = open_corpus(ran.output), tmp_path / "an.index", []
    assert len(corpus.shards) > 1
    signed = pa.Table.from_batches(signed_documents(corpus, file, notes.append))
    texts = TextBatch.from_texts(ran.table["text"].to_pylist())
    expected = sign(texts, corpus.minhash)
    for name in ("content", "signature"):
        assert signed[name].combine_chunks() == expected.column(name)
    places = [place_of_key(key) for batch in signed.to_batches() for key in keys_of(batch)]
    assert places == list(zip(signed["shard"].to_pylist(), signed["row"].to_pylist(), strict=True))
    assert len(set(places)) == corpus.documents == len(TEXTS)
    assert np.all(np.diff(signed["shard"].to_numpy().astype(int)) >= 0)
    assert pa.Table.from_batches(signed_documents(corpus, file, notes.append)) == signed
    assert notes == [f"Reading 41 documents of {ran.output} once, for {file}"]
    write(tmp_path, TEXTS[:7])
    other = open_corpus(run(refinery, tmp_path).output)
    assert sum(len(batch) for batch in signed_documents(other, file, notes.append)) == 7
    assert len(notes) == 2


def test_what_is_no_output_is_told(tmp_path):
    """A manifest that lacks what an index needs is named, not a traceback."""
    with pytest.raises(InputError, match=r"no .*\.records/manifest\.json beside it \(give the output folder"):
        open_corpus(tmp_path / "out")
    (tmp_path / "out.records").mkdir()
    (tmp_path / "out.records" / "manifest.json").write_text(json.dumps({"files": []}))
    with pytest.raises(InputError, match="not a run's manifest: "):
        open_corpus(tmp_path / "out")
