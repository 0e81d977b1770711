"""Text files that are not UTF-8: read as UTF-8, block by block, and told by what they look like."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain

_INVALID = "refinery.invalid"
_LINES = 3  # of another encoding from which on a file is taken to have it
_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_MARK_BYTES = 4
# a half of a pair is no UTF-8: what holds it is rejected as bytes of the wrong encoding are
codecs.register_error(_INVALID, lambda error: ("\udcff", error.end))  # type: ignore[attr-defined]


def as_utf8(blocks: Iterable[bytes], encoding: str | None) -> Iterator[bytes]:
    """The blocks of a file as UTF-8, in which bytes that are not of its encoding are invalid; None: as they are."""
    if encoding is None:
        yield from blocks
        return
    blocks, begin = iter(blocks), b""
    while len(begin) < _MARK_BYTES and (block := next(blocks, b"")):
        begin += block
    decoder = _decoder(encoding, begin)
    for block in chain([begin], blocks):
        if text := decoder.decode(block):
            yield text.encode("utf-8", "surrogatepass")
    if text := decoder.decode(b"", final=True):
        yield text.encode("utf-8", "surrogatepass")


def head_as_utf8(head: bytes, encoding: str | None) -> bytes:
    """The first bytes of a file as UTF-8, without a character that is cut off."""
    if encoding is None:
        return head
    return _decoder(encoding, head).decode(head).encode("utf-8", "surrogatepass")


def _decoder(encoding: str, begin: bytes) -> codecs.IncrementalDecoder:
    """Of content that begins so; UTF-16 without a byte order mark is taken for that of Windows, low bytes first."""
    name = codecs.lookup(encoding).name
    if name in _MARKS and not begin.startswith(_MARKS[name]):
        name += "-le"
    return codecs.getincrementaldecoder(name)(_INVALID)


def other_encoding(head: bytes) -> str:
    """The encoding that a file looks to have which begins so, if its lines beyond ASCII are not UTF-8."""
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return "utf-16"
    lines = head.split(b"\n")[:-1]
    beyond = [line for line in lines if not line.isascii()]
    if len(beyond) < _LINES or 2 * len(beyond) < len(lines) or any(map(_is_utf8, beyond)):
        return ""
    from resiliparse.parse.encoding import detect_encoding

    found = detect_encoding(b"\n".join(beyond))
    try:
        name = codecs.lookup(found or "latin-1").name
    except LookupError:
        return "latin-1"
    return "gb18030" if name in {"gb2312", "gbk"} else name


def wrong_encoding(head: bytes) -> str:
    """What to do about a file that begins so and looks to have another encoding; else nothing."""
    if not (encoding := other_encoding(head)):
        return ""
    return f"this is not UTF-8 and looks like {encoding.upper()} (set `encoding: {encoding}` of its source)"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
