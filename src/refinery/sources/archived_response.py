"""An HTTP response as an archive holds it: header and body, whatever the header says and the body is."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_TYPE = re.compile(r"[!#$%&'*+.^_`|~\w-]+/[!#$%&'*+.^_`|~\w-]+", re.ASCII)
_INTERIM = re.compile(rb"HTTP/[0-9.]+[ \t]+(?:10[02-9]|200 connection established)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Response:
    """Status code (0 when the status line is none), content type in lower case (empty: none), charset, body."""

    status: int
    content_type: str
    charset: str | None
    body: bytes


def parse_response(block: bytes, limit: int) -> Response:
    """Splits a response and undoes its transfer and content encodings, where the body really has them.

    Archives hold bodies that were decoded while the header still says `gzip` or `chunked`, so the body decides.
    Interim responses (100 Continue, a proxy's 200 Connection established) that stand before the real one are passed.
    Raises ValueError when the decoded body is longer than `limit` or when an encoding cannot be undone.
    """
    head, body = _head_and_body(block)
    while _INTERIM.match(head) and body.startswith(b"HTTP/"):
        head, body = _head_and_body(body)
    first, *lines = re.split(r"\r?\n", head.decode("latin-1"))
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), []).append(value.strip())
    parts = first.split()
    status = int(parts[1]) if len(parts) > 1 and re.fullmatch(r"[1-9][0-9]{2}", parts[1]) else 0
    kind, charset = _content_type(fields.get("content-type", []))
    body = _unchunked(body)
    for encoding in reversed(fields.get("content-encoding", [""])[0].lower().split(",")):
        body = _decoded(body, encoding.strip(), limit)
    return Response(status, kind, charset, body)


def _head_and_body(block: bytes) -> tuple[bytes, bytes]:
    end = _HEAD_END.search(block)
    return (block[: end.start()], block[end.end() :]) if end else (block, b"")


def _content_type(values: list[str]) -> tuple[str, str | None]:
    """Type and charset of fields that may say it twice: the last valid one (Fetch Standard, extract a MIME type)."""
    kind, charset = "", None
    for value in ",".join(values).split(","):
        essence = value.partition(";")[0].strip().lower()
        if not _TYPE.fullmatch(essence) or essence == "*/*":
            continue
        found = _CHARSET.search(value)
        charset = found[1] if found else charset if essence == kind else None
        kind = essence
    return kind, charset


def is_html(response: Response) -> bool:
    """By the content type; without one, by what the body begins with."""
    if response.content_type:
        return response.content_type in {"text/html", "application/xhtml+xml"}
    return bool(re.search(rb"(?i)<(?:!doctype html|html|head|body)\b", response.body[:1024]))


def _unchunked(body: bytes) -> bytes:
    """The body without chunk lines, if it is made of nothing but chunks (RFC 9112, 7.1); else as it is."""
    pieces: list[bytes] = []
    position = 0
    while found := _CHUNK.match(body, position):
        size = int(found[1], 16)
        if size == 0:
            return b"".join(pieces)
        piece = body[found.end() : found.end() + size]
        rest = body[found.end() + size : found.end() + size + 2]
        if len(piece) < size:  # cut off by the crawler
            return b"".join([*pieces, piece]) if pieces else body
        if not rest.startswith((b"\r\n", b"\n")):
            return body
        pieces.append(piece)
        position = found.end() + size + (2 if rest == b"\r\n" else 1)
    return b"".join(pieces) if pieces and position >= len(body) else body


def _decoded(body: bytes, encoding: str, limit: int) -> bytes:
    if body[:2] == b"\x1f\x8b":
        return _inflated(body, 31, limit)
    if encoding == "deflate":
        for bits in (15, -15):  # zlib as the RFC says, raw as some servers send
            try:
                return _inflated(body, bits, limit)
            except zlib.error:
                continue
        return body
    if encoding in {"br", "zstd"} and not _looks_plain(body):
        return _other(body, encoding, limit)
    return body


def _inflated(body: bytes, bits: int, limit: int) -> bytes:
    """What can be inflated of a body, which the crawler may have cut off."""
    inflater = zlib.decompressobj(bits)
    try:
        out = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        if bits == 31:
            raise ValueError(f"the gzip body is damaged: {error}") from None
        raise
    if len(out) > limit:
        raise ValueError(f"more than {limit} bytes once decompressed")
    return out


def _other(body: bytes, encoding: str, limit: int) -> bytes:
    import io

    from fastwarc.stream_io import BrotliReader, ZstdReader

    reader = (BrotliReader if encoding == "br" else ZstdReader)(io.BytesIO(body))
    try:
        out = bytes(reader.read(limit + 1))
    except OSError as error:
        raise ValueError(f"the {encoding} body is damaged: {error}") from None
    if len(out) > limit:
        raise ValueError(f"more than {limit} bytes once decompressed")
    return out


def _looks_plain(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"
