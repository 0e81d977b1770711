"""Files as they come: line ends, compression, damage, strays, web archives, through the whole run."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from deltalake import write_deltalake

from tests.cases import lines, run, write_jsonl, write_table
from tests.conftest import document
from tests.udhr import SENTENCES


def test_line_ends_and_byte_order_marks_change_nothing(tmp_path, refinery):
    """A mark, CRLF and a missing last newline give the bytes of the plain file; blank lines only count as lines."""
    plain = write_jsonl(tmp_path / "plain" / "in" / "a.jsonl", lines(5)).read_bytes()
    forms = {
        "mark": b"\xef\xbb\xbf" + plain,
        "crlf": plain.replace(b"\n", b"\r\n"),
        "blank": b"\n" + plain.replace(b"\n", b"\n \n\n"),
        "bare": plain.rstrip(b"\n"),
        "all": b"\xef\xbb\xbf\r\n" + plain.replace(b"\n", b"\r\n\r\n").rstrip(),
    }
    for name, content in forms.items():
        (tmp_path / name / "in").mkdir(parents=True)
        (tmp_path / name / "in" / "a.jsonl").write_bytes(content)
    ran = {name: run(refinery, tmp_path / name) for name in ["plain", *forms]}
    assert len(ran["plain"].rows) == 5
    same = {
        (ran[name].output / "data-00000.parquet").read_bytes() for name in ("plain", "mark", "crlf", "bare")
    }
    assert len(same) == 1
    for name, content in forms.items():
        assert ran[name].table.drop_columns("lineage").equals(ran["plain"].table.drop_columns("lineage"))
        raw = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        for row in ran[name].rows.values():
            assert json.loads(raw[row["lineage"]["row"]])["id"] == row["id"]


def test_a_document_over_the_limit_is_put_aside(tmp_path, refinery):
    """With the limit in the detail, whatever the format; its neighbours are unharmed."""
    rows = [
        {"id": "a", "text": "short"},
        {"id": "b", "text": "long " * 1000},
        {"id": "c", "text": "short too"},
    ]
    write_jsonl(tmp_path / "in" / "a.jsonl", rows)
    write_table(tmp_path / "in" / "b.parquet", {"id": ["d", "e"], "text": ["long " * 1000, "fine"]})
    ran = run(refinery, tmp_path, source={"max_document_bytes": "2kB"})
    assert set(ran.rows) == {"a", "c", "e"}
    assert ran.source["reasons"] == {"oversize_row": 2}
    assert all("the limit is 2000" in row["detail"] for row in ran.rejects)


def test_a_cut_off_gzip_file_keeps_its_whole_lines(tmp_path, refinery):
    """What could be decoded is kept, the cut is one reject, and the decision is the same on every run."""
    write_jsonl(tmp_path / "whole.jsonl", [{"id": f"d{n}", "text": document(n)} for n in range(200)])
    packed = gzip.compress((tmp_path / "whole.jsonl").read_bytes(), mtime=0)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(packed[: len(packed) * 7 // 10])
    ran = run(refinery, tmp_path)
    kept = ran.table.column("id").to_pylist()
    assert kept == [f"d{n}" for n in range(len(kept))]
    assert 120 < len(kept) < 200
    assert ran.rows["d100"]["text"] == document(100)
    (reject,) = ran.rejects
    assert (reject["reason"], reject["row"]) == ("truncated_file", len(kept))
    again = run(refinery, tmp_path, "--work", tmp_path / "other", "--workers", 1, output={"path": "again"})
    files = [one.output / "data-00000.parquet" for one in (ran, again)]
    assert files[0].read_bytes() == files[1].read_bytes()
    failed = run(refinery, tmp_path, source={"on_error": "fail"}, expect=2)  # though it has been read already
    assert f"a.jsonl.gz, row {len(kept)}: truncated_file" in failed.err


def test_every_member_of_a_compressed_file_is_read(tmp_path, refinery):
    """Two gzip members, two zstd frames: the rows of both."""
    first, second = (("".join(json.dumps(r) + "\n" for r in lines(10, n))).encode() for n in (0, 10))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jsonl.gz").write_bytes(gzip.compress(first) + gzip.compress(second))
    zstd = zstandard.ZstdCompressor()
    (tmp_path / "in" / "b.jsonl.zst").write_bytes(zstd.compress(first) + zstd.compress(second))
    ran = run(refinery, tmp_path)
    assert ran.table.column("id").to_pylist() == [f"d{n}" for n in range(20)] * 2


STRAY = ["_SUCCESS", ".a.parquet.crc", "._a.parquet", "_metadata", "README.md", "b.parquet.tmp"]


def damaged_files(folder: Path) -> None:
    """good, 0 bytes, without the end of its footer, an HTML page, and one flipped byte in a page."""
    folder.mkdir(parents=True)
    texts = [document(n) for n in range(30)]
    good = write_table(folder / "good.parquet", {"id": [f"g{n}" for n in range(30)], "text": texts})
    content = good.read_bytes()
    (folder / "empty.parquet").write_bytes(b"")
    (folder / "cut.parquet").write_bytes(content[:-100])
    (folder / "page.parquet").write_bytes(b"<!DOCTYPE html><html><body>404 not found</body></html>")
    flipped = write_table(
        folder / "flipped.parquet",
        {"id": [f"f{n}" for n in range(30)], "text": texts},
        row_group_size=10,
        use_dictionary=False,
        compression="none",
        write_page_checksum=True,
    )
    content = flipped.read_bytes()
    at = content.index(document(15).encode()[:40]) + 20
    flipped.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])


PROBLEMS = {
    "empty.parquet": "the file is empty (0 bytes)",
    "cut.parquet": "the footer is damaged or cut off",
    "page.parquet": "this is an HTML or XML page, not Parquet",
}


def test_damaged_files_and_stray_ones_among_good_ones(tmp_path, refinery):
    """Unreadable files are named, a broken row group is put aside, stray files are counted; the rest is kept."""
    damaged_files(tmp_path / "in")
    for name in STRAY:
        (tmp_path / "in" / name).write_bytes(b"\x00\x01stray")
    ran = run(refinery, tmp_path)
    found = {Path(broken["path"]).name: broken["problem"] for broken in ran.source["broken"]}
    assert found.keys() == PROBLEMS.keys()
    assert all(found[name].startswith(problem) for name, problem in PROBLEMS.items())
    assert ran.source["ignored"] == len(STRAY)
    assert set(ran.rows) == {f"g{n}" for n in range(30)} | {f"f{n}" for n in [*range(10), *range(20, 30)]}
    assert ran.source["reasons"] == {"corrupt_page": 10}
    assert "10 rows were rejected and 3 files could not be read" in ran.err
    assert sorted(row["reason"] for row in ran.rejects) == ["corrupt_page"] * 10 + ["unreadable"] * 3


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_source_that_is_one_damaged_file(tmp_path, refinery, name):
    """Exit code 2 and one line with the file and what is wrong, from `check` and `run` alike."""
    damaged_files(tmp_path / "in")
    ran = run(refinery, tmp_path, source={"path": f"in/{name}"}, expect=2)
    assert f"{name}: {PROBLEMS[name]}" in ran.err
    assert ran.err.count("\n") == 1
    code, _, err = refinery("check", tmp_path / "case.yaml")
    assert (code, err) == (2, ran.err)


@pytest.mark.parametrize(
    ("path", "options", "expected"),
    [
        ("nowhere", {}, "nowhere: no such file, folder or glob match"),
        ("in/*.csv", {}, "in/*.csv: no such file, folder or glob match"),
        ("void", {}, "void: no such file, folder or glob match"),
        (
            "in/a.parquet",
            {"text": "body"},
            "a.parquet: no text column 'body' (there is id, text; name one of them)",
        ),
        ("in/a.parquet", {"id": "uid"}, "a.parquet: no id column 'uid'"),
        ("in/dangling.jsonl", {}, "dangling.jsonl: cannot be read: No such file or directory"),
        ("in/c.dat", {}, "c.dat: the format cannot be told by its name or content"),
        ("in/page.json", {}, "page.json: this is an HTML or XML page, not JSON (download it again)"),
        ("in/a.parquet", {"format": "warc"}, "a.parquet: this is not a WARC file"),
        ("in/b.jsonl", {"format": "parquet"}, "b.jsonl: this is not a Parquet file"),
        ("s3x://bucket/a.parquet", {}, "s3x:// is not a filesystem that fsspec knows"),
    ],
)
def test_a_source_that_cannot_be_read_at_all(tmp_path, refinery, path, options, expected):
    """Place, problem and hint in one line, exit code 2."""
    write_table(tmp_path / "in" / "a.parquet", {"id": ["a"], "text": ["x"]})
    write_jsonl(tmp_path / "in" / "b.jsonl", lines(1))
    (tmp_path / "in" / "c.dat").write_bytes(b"\x00\x01")
    (tmp_path / "in" / "page.json").write_text("<html><body>Not found</body></html>")
    (tmp_path / "in" / "dangling.jsonl").symlink_to(tmp_path / "gone.jsonl")
    (tmp_path / "void").mkdir()
    ran = run(refinery, tmp_path, source={"path": path, **options}, expect=2)
    assert expected in ran.err
    assert ran.err.count("\n") == 1


def test_what_a_delta_table_is_partitioned_by_is_derived_of_the_paths(tmp_path, refinery):
    """As docs/reading.md says: rules read it, and outputs have it."""
    rows = pa.table({"id": [1, 2, 3], "text": ["one", "two", "three"], "year": [2019, 2020, 2021]})
    write_deltalake(tmp_path / "in", rows, partition_by=["year"])
    year = "CAST(SPLIT_PART(SPLIT_PART(path, 'year=', 2), '/', 1) AS BIGINT)"
    assert year in Path("docs/reading.md").read_text("utf-8")
    stage = {"derive": {"year": year}, "keep": [{"recent": "year >= 2020"}]}
    ran = run(refinery, tmp_path, stage=stage, output={"measurements": ["year"]})
    assert {row["text"]: row["year"] for row in ran.rows.values()} == {"two": 2020, "three": 2021}


def test_a_missing_text_key_in_every_row_is_told(tmp_path, refinery):
    """Before anything is measured, with the keys that are there; it does not look like a rule's work."""
    write_jsonl(tmp_path / "in" / "a.jsonl", lines(20))
    ran = run(refinery, tmp_path, source={"text": "body"}, expect=2)
    assert "none of its 20 rows is a document (missing_text: no key 'body'; there is id, text)" in ran.err


def record(kind: str, body: bytes, **headers: str) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Date": "2024-05-01T00:00:00Z",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + body + b"\r\n\r\n"


def page(text: str, status: str = "200 OK", kind: str = "text/html; charset=utf-8") -> bytes:
    body = f"<html><body><main><h1>Page</h1><p>{text}</p></main></body></html>".encode()
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_web_archives(tmp_path, refinery):
    """WET conversions and HTML of status 200 are documents, in any script; all else is counted by reason."""
    texts = {code: SENTENCES[code] for code in ("tha", "cmn", "jpn", "khm", "hin")}
    wet = b"".join(
        record(
            "conversion",
            f"Text {n}, café.\n".encode(),
            WARC_Identified_Content_Language="eng",
            WARC_Target_URI=f"http://c/{n}",
        )
        for n in range(3)
    )
    warc = [
        record("warcinfo", b"software: test\r\n"),
        record("request", b"GET / HTTP/1.1\r\n\r\n"),
        record("response", page("gone", "404 Not Found"), WARC_Target_URI="http://a/404"),
        record("response", page("%PDF", kind="application/pdf"), WARC_Target_URI="http://a/pdf"),
        record("revisit", b""),
        *(record("response", page(text), WARC_Target_URI=f"http://a/{code}") for code, text in texts.items()),
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.warc.gz").write_bytes(b"".join(gzip.compress(one) for one in warc))
    (tmp_path / "in" / "b.warc").write_bytes(b"".join(warc[:6]))
    (tmp_path / "in" / "c.wet").write_bytes(record("warcinfo", b"") + wet)
    ran = run(refinery, tmp_path, stage={"measure": ["language"]})
    found = ran.table.to_pylist()
    assert [row["url"] for row in found] == [
        *(f"http://a/{code}" for code in texts), "http://a/tha", *(f"http://c/{n}" for n in range(3)),
    ]  # fmt: skip
    assert [row["lang"] for row in found[:6]] == ["th", "zh", "ja", "km", "hi", "th"]
    assert all(texts[code] in row["text"] for code, row in zip(texts, found, strict=False))
    assert found[-1]["text"] == "Text 2, café.\n"
    assert ran.source["skipped"] == {
        "http_status_404": 2, "not_html": 2, "request_record": 2, "revisit_record": 2, "warcinfo_record": 3,
    }  # fmt: skip
    assert "http_status_404" in ran.out
