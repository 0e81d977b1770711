import io
import sys

import pytest

from refinery.errors import InputError
from refinery.sources import html
from refinery.sources.html import ANSWER, FAILED, REQUEST, TEXT, UNDECODABLE, decode, extract_text, serve

LATIN = "Le café est servi à la crème près de l'église où l'élève préfère être."
CHINESE = "中华人民共和国公民在法律面前一律平等。国家尊重和保障人权。" * 20


@pytest.mark.parametrize(
    ("body", "declared", "text"),
    [
        (LATIN.encode("cp1252"), "windows-1252", LATIN),
        (LATIN.encode("cp1252"), "ISO-8859-1", LATIN),
        (LATIN.encode("cp1252"), "utf-8", LATIN),
        (LATIN.encode("cp1252"), "utf-9", LATIN),
        (LATIN.encode(), None, LATIN),
        (LATIN.encode(), "'UTF-8'", LATIN),
        (LATIN.encode("utf-16"), "utf-8", LATIN),
        (b"\xef\xbb\xbf" + LATIN.encode(), "latin-1", LATIN),
        (CHINESE.encode("gb18030"), "gb2312", CHINESE),
        (b'<meta charset="gbk">' + CHINESE.encode("gb18030"), None, '<meta charset="gbk">' + CHINESE),
        ("①髙﨑".encode("cp932"), "Shift_JIS", "①髙﨑"),
    ],
)
def test_encodings(body, declared, text):
    """Byte order mark, declaration, meta, then what the bytes look like; labels as browsers read them."""
    assert decode(body, declared) == text


def test_one_bad_byte_does_not_change_a_pages_encoding():
    """A page in UTF-8 with a stray byte stays UTF-8, with U+FFFD in its place."""
    body = CHINESE.encode()
    assert decode(body[:300] + b"\xff" + body[300:], "utf-8") == CHINESE[:100] + "\ufffd" + CHINESE[100:]


@pytest.mark.parametrize("extractor", ["resiliparse", "trafilatura"])
def test_the_main_content_is_extracted(extractor):
    """Scripts, styles and navigation are left out."""
    page = (
        "<html><head><title>T</title><style>x{}</style></head><body><nav><a href=/>menu</a></nav>"
        f"<article><h1>Head</h1><p>{LATIN}</p><p>{LATIN} Encore.</p></article><script>alert()</script></body></html>"
    )
    text = extract_text(page, extractor)
    assert LATIN in text
    assert not any(word in text for word in ("alert", "x{}", "menu"))


def test_the_worker_answers_every_request():
    """Requests are answered in order, failures among them."""
    asked = [(b"<p>one</p>", b""), (b"", b""), (b"<p>caf\xe9</p>", b"latin-1")]
    requests = io.BytesIO(b"".join(REQUEST.pack(0, len(c), len(b)) + c + b for b, c in asked))
    answers = io.BytesIO()
    serve(requests, answers, 60)
    answers.seek(0)
    found = []
    while head := answers.read(ANSWER.size):
        status, size = ANSWER.unpack(head)
        found.append((status, answers.read(size).decode()))
    assert found == [(TEXT, "one"), (TEXT, ""), (TEXT, "café")]
    assert len({TEXT, UNDECODABLE, FAILED}) == 3


def test_a_missing_extractor_is_told_before_any_page(monkeypatch):
    """Without its package an extractor is refused with what to install, not with a reject a page."""
    monkeypatch.setitem(sys.modules, "trafilatura", None)  # as if it were not installed
    html.require("resiliparse", "crawl")
    with pytest.raises(InputError, match=r"pip install 'refinery\[clean\]'"):
        html.require("trafilatura", "crawl")
