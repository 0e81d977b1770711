"""Compressions, archives, tables and files that are no data: small ones made after public reports."""

from pathlib import Path

import pytest

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
