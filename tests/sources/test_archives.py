"""tar and zip: the files in them are read as files below them."""

import gzip
import io
import json
import tarfile
import zipfile
from dataclasses import replace

import lz4.frame
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.ids import minted_ids, places_of
from refinery.sources.lineage import write_lineage
from refinery.sources.read import fields_to_carry, place_of_row, read_documents
from refinery.sources.shards import head_schemas, list_shards
from tests.sources.reading import describe, read_all, spec


def lines(*numbers: int) -> bytes:
    return "".join(json.dumps({"id": n, "text": f"text {n}", "n": n}) + "\n" for n in numbers).encode()


def parquet(*numbers: int) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"id": numbers, "text": [f"text {n}" for n in numbers], "n": numbers}), file)
    return file.getvalue()


def tar(files: dict[str, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=format) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(content))
    return whole.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


MANY = {
    "b/two.jsonl": lines(3, 4),
    "b/": b"",
    "a.parquet": parquet(1, 2),
    "._a.parquet": b"junk",
    "README.md": b"about",
    "c.jsonl.gz": gzip.compress(lines(5)),
    "x.doc": b"unknown",
}
PACKED = {
    "a.tar": tar(MANY),
    "a.tar.gz": gzip.compress(tar(MANY)),
    "a.tgz": gzip.compress(tar(MANY, tarfile.GNU_FORMAT)),
    "a.tar.zst": zstandard.compress(tar(MANY, tarfile.USTAR_FORMAT)),
    "a.lz4": lz4.frame.compress(tar(MANY)),
    "part-0": tar(MANY),
    "a.jsonl.zip": zipped(MANY),
    "a.zip": zipped(MANY, zipfile.ZIP_LZMA),
    "a.zip.gz": gzip.compress(zipped(MANY)),
}


@pytest.mark.parametrize("name", PACKED)
def test_the_files_in_an_archive_are_read_in_its_order(tmp_path, name):
    """Whatever their formats and compressions; what is no data is counted by reason."""
    (tmp_path / name).write_bytes(PACKED[name])
    found = read_all(spec(tmp_path), carry=True)
    assert found.ids == [3, 4, 1, 2, 5]
    assert [row["n"] for row in found.columns] == found.ids
    assert (found.rejects, found.skipped) == ([], {"stray_name": 2, "unknown_format": 1})
    assert read_all(spec(tmp_path), wanted=[1, 2, 4]).ids == [4, 1, 5]
    assert read_all(spec(tmp_path), batch_bytes=1).ids == found.ids


def test_columns_are_known_by_the_heads_and_carried_as_json(tmp_path):
    """As of JSON Lines: of Parquet in an archive, too, where each file may have other types."""
    (tmp_path / "a.zip").write_bytes(zipped({"a.parquet": parquet(1, 2), "b.jsonl": lines(3)}))
    source = spec(tmp_path)
    assert [schema.names for _, schema in head_schemas(source)] == [["n"]]
    (shard,) = list_shards(source).shards
    carry = fields_to_carry(shard, source, ["n"])
    columns = [
        row for batch in read_documents(shard, source, carry=carry) for row in batch.columns.to_pylist()
    ]
    assert columns == [{"n": "1"}, {"n": "2"}, {"n": "3"}]


def test_a_file_that_is_a_document_has_its_path_below_the_archive_as_its_id(tmp_path):
    """So that decisions lead there."""
    (tmp_path / "laws.zip").write_bytes(zipped({"de/bgb.txt": b"Ein Satz.", "en/act.md": b"A clause."}))
    assert read_all(spec(tmp_path)).ids == ["laws.zip/de/bgb.txt", "laws.zip/en/act.md"]


def test_a_format_that_is_said_is_that_of_the_files_in_it(tmp_path):
    """No file of a source is read as another format than the definition says."""
    (tmp_path / "a.zip").write_bytes(zipped({"a.data": lines(1), "b.data": lines(2)}))
    assert read_all(spec(tmp_path, format="jsonl")).ids == [1, 2]
    (tmp_path / "a.zip").rename(tmp_path / "a")
    assert read_all(spec(tmp_path, format="zip")).ids == [1, 2]


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
@pytest.mark.parametrize("name", ["a.tar", "part-0", "a.tar.gz", "a.zip"])
def test_the_encoding_is_that_of_the_files_in_it(tmp_path, name, encoding):
    """The archive itself has none, and its files are told to be of a format by what they say."""
    files = {"\xe9.csv": "id,text\n1,\xe9t\xe9\n", "b": '{"id": "2", "text": "\xe0"}\n'}
    data = (zipped if name == "a.zip" else tar)({n: text.encode(encoding) for n, text in files.items()})
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    found = read_all(spec(tmp_path, encoding=encoding))
    assert (found.ids, found.texts, found.rejects) == (["1", "2"], ["\xe9t\xe9", "\xe0"], [])


def test_an_archive_in_an_archive_is_read_once(tmp_path):
    """A third one is told, so that nothing unpacks for ever."""
    inner = zipped({"a.jsonl": lines(1)})
    (tmp_path / "a.tar").write_bytes(tar({"b.zip": inner, "c.jsonl": lines(2)}))
    assert read_all(spec(tmp_path)).ids == [1, 2]
    (tmp_path / "a.tar").write_bytes(tar({"d.tar": tar({"b.zip": inner}), "c.jsonl": lines(2)}))
    found = read_all(spec(tmp_path))
    assert (found.ids, found.reasons) == ([2], ["unreadable"])
    assert found.rejects[0].detail.startswith("this is an archive in an archive")


def test_archives_one_after_the_other_in_a_file_are_read(tmp_path):
    """`cat a.tar b.tar`, also compressed each."""
    one, two = tar({"a.jsonl": lines(1)}), tar({"b.jsonl": lines(2)})
    (tmp_path / "a.tar").write_bytes(one + two)
    assert read_all(spec(tmp_path)).ids == [1, 2]
    (tmp_path / "a.tar").write_bytes(gzip.compress(one) + gzip.compress(two))
    assert read_all(spec(tmp_path)).ids == [1, 2]


def test_what_cannot_be_read_of_a_file_is_a_reject_with_its_name(tmp_path):
    """The others are read; rows are counted over all of them."""
    files = {
        "a.parquet": b"PAR1",
        "b.jsonl": lines(1) + b"{no\n",
        "c.jsonl": lines(2),
        "d.7z": b"7z\xbc\xaf\x27\x1c",
    }
    (tmp_path / "a.tar").write_bytes(tar(files))
    found = read_all(spec(tmp_path))
    assert found.ids == [1, 2]
    assert [(reject.row, reject.reason) for reject in found.rejects] == [
        (0, "unreadable"),
        (2, "not_json"),
        (4, "unreadable"),
    ]
    (shard,) = list_shards(spec(tmp_path)).shards
    description = describe(shard, spec(tmp_path))
    assert description.rows == 5
    places = [place_of_row(shard, reject.row, description) for reject in found.rejects]
    assert places == [
        (f"{tmp_path}/a.tar/{name}", row) for name, row in (("a.parquet", 0), ("b.jsonl", 1), ("d.7z", 0))
    ]


def test_lineage_leads_into_an_archive(tmp_path):
    """To the row of the file in it; in an archive in it, beside files without rows, and of one name, too."""
    inner = zipped({"x.jsonl": lines(3, 4)})
    files = tar(
        {"a.jsonl": lines(1, 2), ".stray": b"", "in.zip": inner, "empty.jsonl": b"", "b.txt": b"A text."}
    )
    (tmp_path / "a.tar").write_bytes(files + tar({"a.jsonl": lines(5)}))
    (shard,) = list_shards(spec(tmp_path)).shards
    description = describe(shard, spec(tmp_path))
    write_lineage(tmp_path / "archived", description.archived)
    shard = replace(shard, archived=tmp_path / "archived")
    rows = np.arange(description.rows)
    _, paths, numbers = places_of(shard, rows)
    assert list(zip(paths.to_pylist(), numbers.to_pylist(), strict=True)) == [
        ("a.tar/a.jsonl", 0),
        ("a.tar/a.jsonl", 1),
        ("a.tar/in.zip/x.jsonl", 0),
        ("a.tar/in.zip/x.jsonl", 1),
        ("a.tar/b.txt", 0),
        ("a.tar/a.jsonl (2)", 0),
    ]
    assert len({*minted_ids(shard, rows).to_pylist()}) == len(rows)
    assert [place_of_row(shard, row)[0].removeprefix(f"{tmp_path}/") for row in rows] == paths.to_pylist()


def test_what_cannot_be_read_any_further_is_the_archives(tmp_path):
    """Damage between the files in it is no row of any of them."""
    whole = tar({"a.jsonl": lines(1, 2)})
    (tmp_path / "a.tar").write_bytes(whole[:1024] + b"no header" * 100)
    (shard,) = list_shards(spec(tmp_path)).shards
    description = describe(shard, spec(tmp_path))
    assert [(file.path, file.rows) for file in description.archived] == [("a.tar/a.jsonl", 2), ("a.tar", 1)]


def test_names_in_no_encoding_are_escaped(tmp_path):
    """As those of files on a disk are."""
    (tmp_path / "a.tar").write_bytes(tar({"\udcff.txt": b"A text."}))
    assert read_all(spec(tmp_path)).ids == ["a.tar/\\udcff.txt"]


def _locked(data: bytes, names: set[bytes]) -> bytes:
    """A zip file of which the flags say that files are encrypted."""
    whole = bytearray(data)
    for magic, flags, name in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        at = whole.find(magic)
        while at >= 0:
            if any(whole[at + name :].startswith(one) for one in names):
                whole[at + flags] |= 1
            at = whole.find(magic, at + 1)
    return bytes(whole)


def test_a_password_is_told(tmp_path):
    """Before the work if all files have one, else of the file that has."""
    data = zipped({"a.jsonl": lines(1), "b.jsonl": lines(2)})
    (tmp_path / "a.zip").write_bytes(_locked(data, {b"a.jsonl", b"b.jsonl"}))
    with pytest.raises(InputError, match="protected by a password"):
        list_shards(spec(tmp_path))
    (tmp_path / "a.zip").write_bytes(_locked(data, {b"a.jsonl"}))
    found = read_all(spec(tmp_path))
    assert (found.ids, found.reasons) == ([2], ["unreadable"])
    assert "password" in found.rejects[0].detail


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("a.zip", zipped(MANY)[:-30], "zip file, or it is damaged or cut off"),
        ("a.zip", b"text", "this is not a zip file"),
        ("a.tar", b"text", "this is not a tar file"),
        ("a.tar.gz", gzip.compress(b"text" * 1000), "this is not a tar file"),
    ],
)
def test_what_is_no_archive_is_told_before_the_work(tmp_path, name, data, problem):
    """With what is wrong."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path))


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.05, 0.99), compressed=st.booleans())
def test_a_cut_off_archive_gives_its_beginning_and_one_reject(tmp_path_factory, share, compressed):
    """Wherever it ends: in a file, in a header, between two files, before the mark of its end."""
    whole = tar({f"{n}.jsonl": lines(*range(10 * n, 10 * n + 10)) * (n % 3 + 1) for n in range(8)})
    data = whole[: int(len(whole) * share)]
    folder = tmp_path_factory.mktemp("cut")
    (folder / "a.tar").write_bytes(gzip.compress(data) if compressed else data)
    expected = [n for m in range(8) for _ in range(m % 3 + 1) for n in range(10 * m, 10 * m + 10)]
    found = read_all(spec(folder))
    assert found.ids == expected[: len(found.ids)]
    if data.rstrip(b"\0") != whole.rstrip(b"\0"):
        assert found.reasons.count("truncated_file") == 1
        assert set(found.reasons) <= {"truncated_file", "not_json"}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("ending", "content", "left"),
    [
        ("txt", "One sentence of the text. " * 4000, 0),
        ("md", "# One\n\n" + "A paragraph.\n\n" * 8000, 0),
        ("html", "<html><body>" + "<p>A paragraph of the page.</p>" * 4000 + "</body></html>", 0),
        ("json", json.dumps({"text": "A text. " * 12000}), 0),
        ("csv", "id,text\n1,whole\n2," + "half " * 20000, 1),
        ("jsonl", '{"id": 1, "text": "whole"}\n' + json.dumps({"id": 2, "text": "half " * 20000}), 1),
    ],
)
def test_half_a_document_is_none(tmp_path, ending, content, left, compressed):
    """Of a member that is cut off, whatever says where it ends: only rows that are whole are documents."""
    whole = tar({"a.txt": b"before", f"b.{ending}": content.encode()})
    data = whole[: len(content) // 2]
    (tmp_path / "a.tar").write_bytes(gzip.compress(data) if compressed else data)
    found = read_all(spec(tmp_path))
    assert found.texts == ["before", *["whole"] * left]
    assert found.reasons.count("truncated_file") == 1
    assert set(found.reasons) <= {"truncated_file", "not_json"}


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from([tar, zipped]), place=st.floats(0, 0.999), bit=st.integers(0, 7))
def test_a_flipped_bit_ends_in_rejects_or_an_error(tmp_path_factory, kind, place, bit):
    """Never in another error, nor for ever."""
    whole = bytearray(kind({f"{n}.jsonl": lines(n, n + 1) for n in range(6)}))
    whole[int(len(whole) * place)] ^= 1 << bit
    folder = tmp_path_factory.mktemp("flipped")
    (folder / f"a.{'tar' if kind is tar else 'zip'}").write_bytes(bytes(whole))
    try:
        found = read_all(spec(folder))
    except InputError:
        return
    assert len(found.ids) <= 12
