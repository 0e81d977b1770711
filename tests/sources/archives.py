"""WARC records made in tests."""

import gzip


def record(
    kind: str, block: bytes, *, extra: str = "", length: int | None = None, url: str = "http://x/a"
) -> bytes:
    content_type = "text/plain" if kind == "conversion" else f"application/http; msgtype={kind}"
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-02T03:04:05Z\r\n"
        "WARC-Record-ID: <urn:uuid:12345678-1234-1234-1234-123456789abc>\r\n"
        f"Content-Type: {content_type}\r\n{extra}Content-Length: {len(block) if length is None else length}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


def response(body: bytes, headers: str = "Content-Type: text/html\r\n", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{headers}\r\n".encode() + body


def page(text: str) -> bytes:
    return f"<html><head><title>t</title></head><body><p>{text}</p></body></html>".encode()


def members(*records: bytes) -> bytes:
    """One gzip member a record, as archives are compressed."""
    return b"".join(gzip.compress(one) for one in records)
