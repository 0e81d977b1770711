import gzip
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.archived_response import is_html, parse_response

HTML = b"<html><body>text</body></html>"


def parse(body: bytes, *headers: str, limit: int = 10**6):
    head = "\r\n".join(["HTTP/1.1 200 OK", *headers])
    return parse_response(head.encode() + b"\r\n\r\n" + body, limit)


def test_status_type_and_charset():
    """Names and types are read whatever their case and quotes."""
    found = parse(HTML, 'content-TYPE: Text/HTML; Charset="Shift_JIS"', "X: y")
    assert (found.status, found.content_type, found.charset, found.body) == (
        200,
        "text/html",
        "Shift_JIS",
        HTML,
    )


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(HTML)),
        ("gzip", gzip.compress(HTML)[:-4]),
        ("gzip", HTML),
        ("x-gzip", gzip.compress(HTML)),
        ("identity", HTML),
        ("deflate", zlib.compress(HTML)),
        ("deflate", zlib.compress(HTML)[2:-4]),
        ("deflate", HTML),
        ("br", HTML),
        ("zstd", zstandard.compress(HTML)),
        ("gzip, gzip", gzip.compress(gzip.compress(HTML))),
    ],
)
def test_content_encodings(encoding, body):
    """The body decides, whatever the header says."""
    assert parse(body, f"Content-Encoding: {encoding}").body == HTML


def test_brotli():
    """Brotli, which browsers ask for."""
    brotli = pytest.importorskip("brotli")
    assert parse(brotli.compress(HTML), "Content-Encoding: br").body == HTML


@pytest.mark.parametrize(
    "body",
    [
        b"1e\r\n" + HTML + b"\r\n0\r\n\r\n",
        b"001E ; ext=1\r\n" + HTML + b"\r\n0\r\nTrailer: x\r\n\r\n",
        b"0a\r\n" + HTML[:10] + b"\r\n14\r\n" + HTML[10:] + b"\r\n0\r\n\r\n",
        b"0a\n" + HTML[:10] + b"\n14\n" + HTML[10:] + b"\n0\n\n",
        HTML,
    ],
)
def test_chunks_are_undone_where_there_are_some(body):
    """RFC 9112, 7.1; a body without chunks is left as it is."""
    assert parse(body, "Transfer-Encoding: chunked").body == HTML


def test_a_body_that_begins_like_a_chunk_is_left_alone():
    """Text such as `10` and a line end is only a chunk if a whole chunk follows."""
    assert parse(b"10\r\nten and more").body == b"10\r\nten and more"


def test_a_bomb_is_refused_before_it_is_decompressed():
    """More than the limit is an error."""
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        parse(gzip.compress(b"x" * 10**6), "Content-Encoding: gzip", limit=1000)


def test_html_is_told_by_type_or_by_its_beginning():
    """A missing content type leaves the body to tell."""
    assert is_html(parse(HTML, "Content-Type: application/xhtml+xml"))
    assert is_html(parse(b"\n<!DOCTYPE html><p>"))
    assert not is_html(parse(HTML, "Content-Type: application/pdf"))
    assert not is_html(parse(b"%PDF"))


@pytest.mark.parametrize(
    ("fields", "kind", "charset"),
    [
        (["text/html, text/html; charset=UTF-8"], "text/html", "UTF-8"),
        (["text/html; charset=gbk, text/html"], "text/html", "gbk"),
        (["text/plain; charset=gbk, text/html"], "text/html", None),
        (["text/html; charset=gbk", "text/html; charset=utf-8"], "text/html", "utf-8"),
        (["text/html", "x, */*"], "text/html", None),
        (["html"], "", None),
        (["text/html; xcharset=gbk"], "text/html", None),
    ],
)
def test_the_last_valid_content_type_counts(fields, kind, charset):
    """As in browsers: a charset is kept over a repeated type, and what is no type is passed over."""
    found = parse(HTML, *(f"Content-Type: {field}" for field in fields))
    assert (found.content_type, found.charset) == (kind, charset)


@pytest.mark.parametrize(
    "interim", ["100 Continue", "103 Early Hints\r\nLink: x", "200 Connection established"]
)
def test_interim_responses_are_passed(interim):
    """The real response stands behind them; one that alone is there is told by its status."""
    real = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + HTML
    found = parse_response(f"HTTP/1.1 {interim}\r\n\r\n".encode() * 2 + real, 1000)
    assert (found.status, found.content_type, found.body) == (200, "text/html", HTML)
    assert parse_response(b"HTTP/1.1 100 Continue\r\n\r\n", 1000).status == 100
    assert parse_response(b"HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 1000).status == 101


@given(block=st.binary(max_size=200))
def test_any_bytes_are_parsed(block):
    """No input makes the parser fail but for the limit or damaged compression."""
    try:
        found = parse_response(block, 1000)
    except ValueError as error:
        assert "damaged" in str(error) or "more than" in str(error)
    else:
        assert 0 <= found.status < 1000
