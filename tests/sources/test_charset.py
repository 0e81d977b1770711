import codecs

import pytest
import webencodings
from hypothesis import given
from hypothesis import strategies as st
from webencodings.labels import LABELS

from refinery.sources.charset import charset_in_page, decode

LATIN = "Le café est servi à la crème près de l'église où l'élève préfère être."
CHINESE = "中华人民共和国公民在法律面前一律平等。国家尊重和保障人权。" * 20
KOREAN = "대한민국은 민주공화국이다. 대한민국의 주권은 국민에게 있고, 모든 권력은 국민으로부터 나온다."
RUSSIAN = "Суд постановил, что покупатель вправе отказаться от договора, поскольку товар не соответствовал."
UKRAINIAN = "Громадяни мають право на звернення до органів державної влади. Її ґрунт."
GERMAN = "Das Gericht entschied, dass der Käufer vom Vertrag zurücktreten durfte: für Übergrößen."


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
        ("①日本".encode("euc_jis_2004"), "EUC-JP", "①日本"),
        ("“ไทย”".encode("cp874"), "tis-620", "“ไทย”"),
        (RUSSIAN.encode("mac-cyrillic"), "x-mac-cyrillic", RUSSIAN),
        (RUSSIAN.encode("mac-cyrillic"), None, RUSSIAN),
        (UKRAINIAN.encode("koi8-u"), None, UKRAINIAN),
        (KOREAN.encode("euc-kr"), None, KOREAN),
        (KOREAN.encode("euc-kr"), "ISO-8859-1", KOREAN),
        (RUSSIAN.encode("cp1251"), "ISO-8859-1", RUSSIAN),
        (CHINESE.encode("gb18030"), "ISO-8859-1", CHINESE),
        (GERMAN.encode(), "ISO-8859-1", GERMAN),
        (GERMAN.encode(), "gbk", GERMAN),
        (b"<meta charset=windows-1251>" + GERMAN.encode(), None, "<meta charset=windows-1251>" + GERMAN),
        ("联通".encode("gbk"), "gbk", "联通"),
        (LATIN.encode("utf-16-le"), "utf-16", LATIN),
        (b"<meta charset=utf-16>plain", None, "<meta charset=utf-16>plain"),
        (b"plain", "utf-16", "plain"),
        ("ÀÉÈÊ ÄÖÜß".encode("cp1252"), "latin1", "ÀÉÈÊ ÄÖÜß"),
        (b"\x81\x8d\x8f\x90" * 20, None, None),
    ],
)
def test_encodings(body, declared, text):
    """Byte order mark, declaration, meta, then what the bytes look like; labels as browsers read them."""
    assert decode(body, declared) == text


def test_one_bad_byte_does_not_change_a_pages_encoding():
    """A page in UTF-8 with a stray byte stays UTF-8, with U+FFFD in its place."""
    body = CHINESE.encode()
    assert decode(body[:300] + b"\xff" + body[300:], "utf-8") == CHINESE[:100] + "\ufffd" + CHINESE[100:]


@given(
    body=st.binary(max_size=300), declared=st.sampled_from([None, "", "utf-16", "euc-kr", "x", "replacement"])
)
def test_any_bytes_are_decoded_or_refused(body, declared):
    """No input is an error; what is valid UTF-8 beyond ASCII and of some length is just that."""
    text = decode(body, declared)
    assert text is None or isinstance(text, str)


@given(text=st.text(st.characters(min_codepoint=0x80, exclude_categories=["Cs"]), min_size=5))
def test_utf8_is_read_as_such_whatever_a_header_says(text):
    """Every encoding declared over five characters or more of UTF-8 is taken for a mistake."""
    body = ("x" + text).encode()
    assert {decode(body, label) for label in (None, "latin1", "gbk", "shift_jis", "koi8-r")} == {"x" + text}


_UNSEEN = {"replacement", "x-user-defined", "utf-16le", "utf-16be", "utf-8", "iso-2022-jp"}


@pytest.mark.parametrize("label", sorted(label for label, name in LABELS.items() if name not in _UNSEEN))
def test_labels_are_those_of_the_standard(label):
    """Every label decodes the letters of its encoding as webencodings does, an implementation of the standard."""
    codec = webencodings.lookup(label).codec_info
    for letter in [*(bytes([n]) for n in range(0xC0, 0xFF)), b"\xb0\xa1", b"\xc4\xe3"]:
        try:
            expected = codec.decode(letter)[0]
        except UnicodeDecodeError:
            continue
        assert decode(b"- " + letter, label.upper()) == "- " + expected


# from html5lib-tests (MIT), encoding/tests1.dat and tests2.dat
@pytest.mark.parametrize(
    ("head", "label"),
    [
        (b"<meta charset=euc-jp", None),
        (b"<meta charset=euc-jp >", "euc-jp"),
        (b'<meta charset="iso8859-2">', "iso8859-2"),
        (b"<meta charset = 'iso8859-2' foo>", "iso8859-2"),
        (b'<meta charset=iso8859-2">', None),
        (b'<meta charset="bogus"><meta charset="iso8859-2">', "iso8859-2"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=iso8859-2">', "iso8859-2"),
        (b'<meta content="text/html; charset=iso8859-2" http-equiv=content-type>', "iso8859-2"),
        (b'<meta http-equiv="Content-Type content="text/html; charset=iso8859-2">', None),
        (b'<meta name="x" content="text/html; charset=iso8859-2">', None),
        (b'<!-- <meta charset="gbk"> --><meta charset="iso8859-2">', "iso8859-2"),
        (b'<!--><meta charset="iso8859-2">', "iso8859-2"),
        (b'<div title="<meta charset=gbk>"><META CHARSET=iso8859-2>', "iso8859-2"),
        (b'<?php <meta charset="gbk"> ?><meta charset="iso8859-2">', "iso8859-2"),
        (b'<metal charset="gbk"></x charset=gbk><meta/charset="iso8859-2">', "iso8859-2"),
        (b"<!-- " + b"x" * 8193 + b' --><meta charset="iso8859-2">', "iso8859-2"),
        (b'<?xml version="1.0" encoding="iso8859-2"?><html>', "iso8859-2"),
        (b'<?xml version="1.0" encoding="gbk"?><meta charset="iso8859-2">', "iso8859-2"),
        (b"<p>no meta</p>", None),
    ],
)
def test_a_page_declares_its_charset(head, label):
    """The first meta that names an encoding, as browsers scan for it; else the XML declaration."""
    assert charset_in_page(head) == label


def test_codecs_exist():
    """Every encoding that a label may stand for is one that Python has."""
    assert all(codecs.lookup(name) for name in ("big5hkscs", "euc_jis_2004", "cp949", "gb18030", "cp874"))
