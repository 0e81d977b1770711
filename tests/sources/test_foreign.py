"""Files that are no data are told as what they are."""

import gzip

import pytest

from refinery.errors import InputError
from refinery.sources.foreign import foreign
from refinery.sources.shards import list_shards
from tests.sources.reading import read_all, spec

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 1234567\n"
)


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.jsonl.zst", "a.warc.gz", "a.txt", "part-0"])
@pytest.mark.parametrize("pointer", [POINTER, "/annex/objects/SHA256E-s31390--f50d7ac.jsonl\n"])
def test_pointers_are_told_whatever_their_name(tmp_path, name, pointer):
    """A clone without the large files: alone it is an error, beside others one broken file and no document."""
    (tmp_path / name).write_text(pointer)
    with pytest.raises(InputError, match=r"pointer, not the file itself") as caught:
        list_shards(spec(tmp_path))
    assert "git lfs pull" in str(caught.value) or "git annex get" in str(caught.value)
    (tmp_path / "good.jsonl").write_text('{"text": "x"}\n')
    found = list_shards(spec(tmp_path))
    assert [path for path, _ in found.broken] == [name]
    assert read_all(spec(tmp_path)).texts == ["x"]
    assert read_all(spec(tmp_path)).rejects == []


@pytest.mark.parametrize(
    ("head", "word"),
    [
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"\x1f\x9d\x90", "compress"),
        (b"\x02\x21\x4c\x18\x07\x00", "legacy"),
        (b"PARE\x15\x04", "encrypted"),
    ],
)
def test_kinds_that_nothing_reads_have_names(head, word):
    """By their first bytes."""
    assert word in foreign(head).problem


@pytest.mark.parametrize("head", [b"", b'{"text": "version https://git-lfs"}', gzip.compress(b"x"), b"PAR1"])
def test_data_is_not_foreign(head):
    """Nor is a text that speaks of pointers, nor an empty file."""
    assert foreign(head) is None


def test_a_file_of_a_kind_that_nothing_reads_is_an_error(tmp_path):
    """Beside files that are read it is a broken one, told by name, never passed over without a word."""
    (tmp_path / "b.jsonl.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(2000))
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n')
    found = list_shards(spec(tmp_path))
    assert found.broken == (("b.jsonl.7z", "this is a 7-Zip archive (unpack it)"),)
