"""From the bytes of a web page to characters, as browsers decide (WHATWG Encoding Standard; HTML, 13.2.3).

Two things differ from a browser. Bytes that are valid UTF-8 are UTF-8 whatever a header says, for servers add a
default to pages that they have not read. And an encoding that decodes only a part of the bytes, or in which the page
could hardly have been written, does not fit: the next guess has its turn, and a page that nothing fits is no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

# Python's supersets of what browsers take these labels for
_WIDER = {
    "big5": "big5hkscs",
    "euc_jp": "euc_jis_2004",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
}
_UNNAMED = {
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-ukrainian": "mac-cyrillic",
}  # that resiliparse does not map
_UNMAPPED = {"cp949", "mac-cyrillic"}  # what its detector finds but gives no name of the standard
_EAST_ASIAN = {*_WIDER.values()} - {"cp874"}
_BOMS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_PRESCAN = 16 * 2**10  # bytes in which a page may declare itself
_FOREIGN_SHARE = 0.05  # of the characters beyond ASCII: a stray bad byte in a page of that encoding
_CHANCE = 5  # characters: as few can be valid UTF-8 by chance in an East Asian encoding
_RUNS = 0.2  # of the bytes beyond ASCII in runs of four or more: no language that windows-1252 serves is written so

_COMMENT_OR_TAG = re.compile(rb"<!--(?:-?>|.*?-->)|<(?P<name>/?[A-Za-z][^\s/>]*)|<[!/?][^>]*>", re.DOTALL)
_ATTRIBUTE = re.compile(rb"[\s/]*([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]*)))?")
_CHARSET = re.compile(rb"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]+)")


def decode(body: bytes, declared: str | None) -> str | None:
    """The page as text, or None when no encoding fits.

    In this order: byte order mark, UTF-8 that is valid beyond ASCII, the declared charset (the HTTP header's), the
    one in the page, UTF-8, and what the bytes look like.
    """
    for mark, name in _BOMS.items():
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    says = [name for name in (_codec((declared or "").strip("\"';")), _codec_in_page(body)) if name]
    text = _utf8(body, _CHANCE if _EAST_ASIAN.intersection(says[:1]) else 1)
    if text is not None:
        return text
    plausible = [name for name in says if _plausible(name, body)]
    for codec in dict.fromkeys([*plausible, "utf-8", _detected(body), *says]):
        text = _fitting(body, codec) if codec else None
        if text is not None:
            return text
    return None


def charset_in_page(body: bytes) -> str | None:
    """The label that a page's first `meta`, or else its XML declaration, names (HTML, 13.2.3.2: the prescan)."""
    head = body[:_PRESCAN]
    for attributes in _metas(head):
        content = _CHARSET.search(attributes.get(b"content", b""))
        pragma = attributes.get(b"http-equiv", b"").lower() == b"content-type"
        label = attributes.get(b"charset") or (
            content and pragma and (content[1] or content[2] or content[3])
        )
        if label and _codec(label.decode("latin-1")):
            return str(label.decode("latin-1"))
    found = _XML.match(head)
    return found[1].decode("latin-1") if found else None


def _metas(head: bytes) -> Iterator[dict[bytes, bytes]]:
    """The attributes of each `meta` that stands in no comment and in no other tag's attribute."""
    position = 0
    while found := _COMMENT_OR_TAG.search(head, position):
        position = found.end()
        if not found["name"]:
            continue
        attributes: dict[bytes, bytes] = {}
        while attribute := _ATTRIBUTE.match(head, position):
            position = attribute.end()
            value = attribute[2] or attribute[3] or attribute[4] or b""
            attributes.setdefault(attribute[1].lower(), value)
        closed = head[position : position + 64].lstrip(b" \t\r\n\f/").startswith(b">")
        if closed and found["name"].lower() == b"meta":
            yield attributes


def _codec(label: str | None) -> str | None:
    """Python's name for a charset label as browsers read it, or None for one that does not exist."""
    if not label:
        return None
    label = label.strip(" \t\r\n\f").lower()
    name = _UNNAMED.get(label) or map_encoding_to_html5(label, False)
    return _WIDER.get(name, name) if name else None


def _codec_in_page(body: bytes) -> str | None:
    """What the page says; UTF-16 can't be, for its bytes would not have been read as ASCII to find that out."""
    name = _codec(charset_in_page(body))
    return "utf-8" if name and name.startswith("utf-16") else name


def _detected(body: bytes) -> str | None:
    """What the bytes look like; None when the detector has no opinion."""
    found = detect_encoding(body)
    if found != "utf-8":
        return "koi8-u" if found == "koi8-r" else _codec(found)  # the same letters, and those of Ukrainian
    exact = detect_encoding(body, html5_compatible=False)
    return exact if exact in _UNMAPPED else None


def _utf8(body: bytes, least: int) -> str | None:
    """The text if it is valid UTF-8 with at least this many characters beyond ASCII."""
    if body.isascii():
        return None
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if least == 1 or sum(1 for character in text if character > "\x7f") >= least:
        return text
    return None


def _plausible(codec: str, body: bytes) -> bool:
    """Whether a page that says so may be: servers say windows-1252 of everything, and any bytes decode in it."""
    if codec.startswith("utf-16"):
        return b"\0" in body
    if codec != "cp1252":
        return True
    beyond = sum(map(len, re.findall(rb"[\x80-\xff]+", body)))
    return sum(map(len, re.findall(rb"[\x80-\xff]{4,}", body))) <= beyond * _RUNS


def _fitting(body: bytes, codec: str) -> str | None:
    """The text if all of it decodes, or all but a few characters of those beyond ASCII."""
    try:
        return body.decode(codec)
    except (UnicodeDecodeError, LookupError):
        pass
    try:
        text = body.decode(codec, "replace")
    except LookupError:
        return None
    beyond = sum(1 for _ in re.finditer(r"[^\x00-\x7f]", text))
    return text if text.count("\ufffd") <= beyond * _FOREIGN_SHARE else None
