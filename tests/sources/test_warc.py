import gzip

import pytest
import zstandard

from refinery.errors import InputError
from refinery.sources import warc
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

from .archives import members, page, record, response
from .reading import read_all, spec

TEXT = "A page that is long enough to be taken for one."
SIX = [
    record("warcinfo", b"software: x\r\n"),
    record("request", b"GET / HTTP/1.1\r\n\r\n"),
    record("response", response(page(TEXT))),
    record("response", response(page("gone"), status="404 Not Found")),
    record("response", response(b"%PDF-1.4", "Content-Type: application/pdf\r\n")),
    record("revisit", b"HTTP/1.1 200 OK\r\n\r\n"),
]
SKIPPED = {
    "warcinfo_record": 1, "request_record": 1, "http_status_404": 1, "not_html": 1, "revisit_record": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.warc", b"".join(SIX)),
        ("a.warc.gz", members(*SIX)),
        ("b.warc.gz", gzip.compress(b"".join(SIX))),
        ("a.warc.zst", zstandard.compress(b"".join(SIX))),
    ],
)
def test_html_responses_are_documents_and_the_rest_is_counted(tmp_path, name, content):
    """One document of six records, the other five by reason, however the file is compressed."""
    (tmp_path / name).write_bytes(content)
    found = read_all(spec(tmp_path), carry=True)
    assert found.texts == [TEXT]
    assert found.ids[0].endswith("-2")
    assert found.skipped == SKIPPED
    assert found.columns == [
        {
            "url": "http://x/a",
            "date": "2024-01-02T03:04:05Z",
            "http_status": "200",
            "content_type": "text/html",
        }
    ]
    assert not found.rejects


def test_wet_conversion_records_are_documents(tmp_path):
    """Three records with a newer header are three documents, bytes of text as they are."""
    extra = "WARC-Identified-Content-Language: eng\r\n"
    texts = ["one", "två\n中文", "three"]
    (tmp_path / "a.warc.wet.gz").write_bytes(
        members(*(record("conversion", t.encode(), extra=extra) for t in texts))
    )
    assert read_all(spec(tmp_path)).texts == texts


def test_text_that_is_not_utf8_is_a_reject(tmp_path):
    """A WET record is UTF-8 or rejected."""
    (tmp_path / "a.wet").write_bytes(record("conversion", b"caf\xe9") + record("conversion", b"ok"))
    found = read_all(spec(tmp_path))
    assert (found.texts, found.reasons) == (["ok"], ["invalid_utf8"])


def test_encodings_that_the_header_gets_wrong(tmp_path):
    """Gzip said over a plain body, a wrong length, chunks left in, and a body that is really gzip: one text."""
    html = "Content-Type: text/html\r\n"
    body = page(TEXT)
    chunked = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, body[:10], len(body) - 10, body[10:])
    responses = [
        response(body, html + "Content-Encoding: gzip\r\n"),
        response(body, html + "Content-Length: 7\r\n"),
        response(chunked, html + "Transfer-Encoding: chunked\r\n"),
        response(gzip.compress(body), html + "Content-Encoding: gzip\r\n"),
    ]
    (tmp_path / "a.warc").write_bytes(b"".join(record("response", r) for r in responses))
    assert read_all(spec(tmp_path)).texts == [TEXT] * 4


LATIN = "Le café est servi à la crème près de l'église où l'élève préfère être."
CHINESE = "中华人民共和国公民在法律面前一律平等。国家尊重和保障人权，任何公民享有宪法规定的权利。"


@pytest.mark.parametrize(
    ("text", "codec", "header", "meta"),
    [
        (LATIN, "cp1252", "; charset=windows-1252", ""),
        (CHINESE, "gb18030", "", '<meta charset="gb18030">'),
        (LATIN, "cp1252", "; charset=utf-9", ""),
        (LATIN, "cp1252", "; charset=utf-8", ""),
        (CHINESE, "utf-8", "", ""),
        (CHINESE, "utf-8", "; charset=UTF8", ""),
    ],
)
def test_the_declared_charset_is_respected_then_meta_then_detection(tmp_path, text, codec, header, meta):
    """The text is exact in each case."""
    body = f"<html><head>{meta}</head><body><p>{text}</p></body></html>".encode(codec)
    block = response(body, f"Content-Type: text/html{header}\r\n")
    (tmp_path / "a.warc").write_bytes(record("response", block))
    assert read_all(spec(tmp_path)).texts == [text]


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_pages_in_unspaced_scripts_are_extracted(tmp_path, extractor):
    """Thai, Chinese, Japanese, Khmer and Hindi give five documents."""
    texts = {
        "th": "ประเทศไทยเป็นประเทศในเอเชียตะวันออกเฉียงใต้" * 6,
        "zh": CHINESE * 6,
        "ja": "日本国民は、正当に選挙された国会における代表者を通じて行動し、" * 6,
        "km": "មនុស្សទាំងអស់កើតមកមានសេរីភាពនិងសមភាព" * 6,
        "hi": "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है। " * 6,
    }
    pages = [f'<html lang="{k}"><body><article><p>{t}</p></article></body></html>' for k, t in texts.items()]
    (tmp_path / "a.warc").write_bytes(
        b"".join(
            record("response", response(p.encode(), "Content-Type: text/html; charset=utf-8\r\n"))
            for p in pages
        )
    )
    found = read_all(spec(tmp_path, extractor=extractor))
    assert [text.strip() for text in found.texts] == [text.strip() for text in texts.values()]


@pytest.mark.parametrize("compressed", [True, False])
def test_a_cut_off_archive_keeps_its_complete_records(tmp_path, compressed):
    """Complete records are read; what is cut off is one reject, the same on every read."""
    records = [record("conversion", f"text {n} ".encode() * 100) for n in range(20)]
    whole = members(*records) if compressed else b"".join(records)
    (tmp_path / "a.wet").write_bytes(whole[: len(whole) * 7 // 10])
    found = read_all(spec(tmp_path))
    assert 10 <= len(found.texts) < 15
    assert [r.split("_")[0] for r in found.reasons][-1] == "truncated"
    assert set(found.reasons) <= {"truncated_record", "truncated_file"}
    assert read_all(spec(tmp_path)).rejects == found.rejects


def test_wanted_records_alone_are_extracted(tmp_path):
    """The second read returns the same documents with the same ids."""
    pages = [record("response", response(page(f"{TEXT} {n}"))) for n in range(6)]
    (tmp_path / "a.warc").write_bytes(b"".join(pages))
    everything = read_all(spec(tmp_path))
    found = read_all(spec(tmp_path), wanted=[1, 4])
    assert (found.ids, found.texts) == ([everything.ids[n] for n in (1, 4)], [f"{TEXT} 1", f"{TEXT} 4"])


def test_records_over_the_limit_are_rejected(tmp_path):
    """By their declared length, and by what they decompress to."""
    bomb = response(
        gzip.compress(b"<p>" + b" " * 10_000), "Content-Type: text/html\r\nContent-Encoding: gzip\r\n"
    )
    records = [record("conversion", b"x" * 10_000), record("response", bomb), record("conversion", b"ok")]
    (tmp_path / "a.warc").write_bytes(b"".join(records))
    found = read_all(spec(tmp_path, max_document_bytes=5000))
    assert (found.texts, found.reasons) == (["ok"], ["oversize_row", "oversize_row"])


def test_a_record_after_one_with_a_false_length_is_read(tmp_path):
    """Too short a length gives the whole text, too long a one a reject; the records around them are documents."""
    texts = ["one", "two and more", "three, which is cut off", "four"]
    lengths = [None, 3, 500, None]
    (tmp_path / "a.wet").write_bytes(
        b"".join(
            record("conversion", text.encode(), length=length)
            for text, length in zip(texts, lengths, strict=True)
        )
    )
    found = read_all(spec(tmp_path))
    assert found.texts == ["one", "two and more", "four"]
    assert [(r.row, r.reason, r.detail) for r in found.rejects] == [
        (2, "truncated_record", "23 of 500 bytes are there")
    ]


def test_a_page_that_hangs_the_extractor_is_one_reject(tmp_path, monkeypatch):
    """The time limit holds although the parser runs no Python code; the pages around it are read."""
    pages = [page(TEXT), b"<div>" * 200_000, page(TEXT)]
    (tmp_path / "a.warc").write_bytes(b"".join(record("response", response(p)) for p in pages))
    monkeypatch.setattr(warc, "EXTRACTION_SECONDS", 1)
    found = read_all(spec(tmp_path))
    assert found.texts == [TEXT, TEXT]
    assert [(r.row, r.reason) for r in found.rejects] == [(1, "extraction_timeout")]


def test_a_page_without_text_is_skipped(tmp_path):
    """Nothing to read is no error."""
    (tmp_path / "a.warc").write_bytes(record("response", response(b"<html><body></body></html>")))
    assert read_all(spec(tmp_path)).skipped == {"no_text": 1}


def test_a_file_that_is_no_archive_is_found_in_planning(tmp_path):
    """It is named with what is wrong."""
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(b"<html>"))
    with pytest.raises(InputError, match="not a WARC file"):
        list_shards(spec(tmp_path))


@pytest.mark.parametrize("character", ["a", "é", "中", "😀"])
def test_batches_are_cut_by_bytes(tmp_path, character):
    """A batch has as many bytes in every script, though a character has one to four."""
    texts = [character * (1200 // len(character.encode()))] * 100
    (tmp_path / "a.wet").write_bytes(b"".join(record("conversion", text.encode()) for text in texts))
    source = spec(tmp_path)
    (shard,) = list_shards(source).shards
    batches = list(read_documents(shard, source, batch_bytes=12_000))
    assert [len(batch.rows) for batch in batches] == [10] * 10
