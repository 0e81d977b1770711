"""An HTTP response as an archive holds it: header and body, whatever the header says and the body is."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)


@dataclass(frozen=True)
class Response:
    """Status code (0 when the status line is none), content type in lower case, declared charset, body."""

    status: int
    content_type: str
    charset: str | None
    body: bytes


def parse_response(block: bytes, limit: int) -> Response:
    """Splits a response and undoes its transfer and content encodings, where the body really has them.

    Archives hold bodies that were decoded while the header still says `gzip` or `chunked`, so the body decides.
    Raises ValueError when the decoded body is longer than `limit` or when an encoding cannot be undone.
    """
    end = _HEAD_END.search(block)
    head, body = (block[: end.start()], block[end.end() :]) if end else (block, b"")
    first, *lines = re.split(r"\r?\n", head.decode("latin-1"))
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip().lower(), value.strip())
    parts = first.split()
    status = int(parts[1]) if len(parts) > 1 and re.fullmatch(r"[1-9][0-9]{2}", parts[1]) else 0
    kind = fields.get("content-type", "")
    charset = _CHARSET.search(kind)
    body = _unchunked(body)
    for encoding in reversed(fields.get("content-encoding", "").lower().split(",")):
        body = _decoded(body, encoding.strip(), limit)
    return Response(status, kind.partition(";")[0].strip().lower(), charset[1] if charset else None, body)


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
