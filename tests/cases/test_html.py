"""Web pages that once lost a part of their text, or were not read at all."""

import pyarrow as pa
import pytest

from refinery.filters.html import Html
from tests.sources.archives import record, response
from tests.sources.reading import read_all, spec

GERMAN = "Das Gericht entschied, dass der Käufer vom Vertrag zurücktreten durfte: Übergrößen."
KOREAN = "법원은 매수인이 계약을 해제할 수 있다고 판결하였다. 물건이 견본과 일치하지 않았기 때문이다."
RUSSIAN = "Суд постановил, что покупатель вправе отказаться от договора, поскольку товар не соответствовал."
CHINESE = "根据合同约定，买受人有权解除合同，因为标的物与样品不符。"


def read(tmp_path, *responses: bytes) -> list[str]:
    (tmp_path / "a.warc").write_bytes(b"".join(record("response", one) for one in responses))
    found = read_all(spec(tmp_path))
    assert not found.rejects
    assert not found.skipped
    return found.texts


def page(text: str, codec: str = "utf-8", head: str = "") -> bytes:
    return f"<html><head>{head}</head><body><article><p>{text}</p></article></body></html>".encode(codec)


def test_39a_a_list_near_the_body_is_kept(tmp_path):
    """The list of side effects is the leaflet's content."""
    effects = ["Headache: may affect up to 1 in 10 people", "Nausea", "Rash", "Dizziness", "Fever", "Cough"]
    items = "".join(f"<li>{effect}</li>" for effect in effects)
    body = f"<body><article><h1>Leaflet</h1><p>Before.</p><ul>{items}</ul><p>After.</p></article></body>"
    (text,) = read(tmp_path, response(body.encode()))
    assert text.split("\n") == [
        "Leaflet",
        "",
        "Before.",
        "",
        *(f"  • {one}" for one in effects),
        "",
        "After.",
    ]


def test_39b_superscripts_are_kept(tmp_path):
    """A dose of 10^6 is not one of 106."""
    html = page("given 5 &times; 10<sup>6</sup> CFU, to 10<sup>-3</sup>; 12 m<sup>2</sup>")
    assert read(tmp_path, response(html)) == ["given 5 × 10^6 CFU, to 10^-3; 12 m^2"]


@pytest.mark.parametrize(
    ("text", "codec", "charset", "head"),
    [
        (GERMAN, "utf-8", "; charset=ISO-8859-1", '<meta charset="utf-8">'),
        (GERMAN, "utf-8", "; charset=ISO-8859-1", ""),
        (GERMAN, "utf-8", "", '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">'),
        (CHINESE, "utf-8", "; charset=ISO-8859-1", ""),
        (CHINESE, "gbk", "; charset=ISO-8859-1", ""),
        (CHINESE, "gbk", "; charset=ISO-8859-1", '<meta charset="gbk">'),
        (KOREAN, "euc-kr", "", ""),
        (RUSSIAN, "mac-cyrillic", "; charset=x-mac-cyrillic", ""),
        (RUSSIAN, "mac-cyrillic", "; charset=x-mac-ukrainian", ""),
        (GERMAN, "utf-8", ", text/html; charset=UTF-8", ""),
    ],
)
def test_21a_21c_21d_23a_charsets_are_those_of_browsers(tmp_path, text, codec, charset, head):
    """A wrong header over UTF-8 or GBK, no label at all, a rare label, and a doubled header."""
    block = response(page(text, codec, head), f"Content-Type: text/html{charset}\r\n")
    assert read(tmp_path, block) == [text]


def test_24a_the_response_behind_an_interim_one_is_read(tmp_path):
    """100 Continue stands before it, as some crawlers archive it."""
    assert read(tmp_path, b"HTTP/1.1 100 Continue\r\n\r\n" + response(page(GERMAN))) == [GERMAN]


def test_45b_html_in_a_column_is_a_transforms_work():
    """Its text is extracted, tags are not."""
    pages = [page(f"The court held so. Case number {n}.").decode() for n in range(2)]
    found = Html()(pa.array(pages, pa.large_string()))
    assert found.to_pylist() == [f"The court held so. Case number {n}." for n in range(2)]
