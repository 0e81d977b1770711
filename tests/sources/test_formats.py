"""Formats are told by names where those are enough, else by content."""

import pytest

from refinery.sources.formats import content_format, format_of, mistaken


def unread() -> bytes:
    raise AssertionError("the name tells enough")


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.parquet", "parquet"),
        ("b/A.PQ", "parquet"),
        ("a.jsonl.zst", "jsonl"),
        ("a.ndjson", "jsonl"),
        ("CC-1.warc.gz", "warc"),
        ("CC-1.warc.wet.gz", "wet"),
    ],
)
def test_a_name_that_tells_the_format_costs_no_read(name: str, format: str) -> None:
    """Endings in any case, below any compression; the file is not opened."""
    assert format_of(name, unread) == format


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"PAR1\x15", "parquet"),
        (b"WARC/1.0\r\n", "warc"),
        (b'\xef\xbb\xbf \n{"a": 1}\n{"a": 2}', "jsonl"),
        (b'{"a": 1}\n{"a": tru', "jsonl"),
        (b'{"a": 1}\n', "jsonl"),
        (b'\xef\xbb\xbf{\n  "a": 1\n}', "json"),
        (b'[\r\n{"a": 1}]', "json"),
        (b'[{"a": 1}, {"a": 2}]', "json"),
        (b'{"a": 1}{"a": 2}\n', "json"),
        (b'{"a": 1}\r{"a": 2}', "json"),
        (b"<!DOCTYPE html>\n<p>", "html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><HTML lang='en'>", "html"),
        (b"<SEC-DOCUMENT>0001", None),
        (b"[1] Smith, J. (1990)", None),
        (b"{note} a text", None),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_other_names_are_looked_into(head: bytes, format: str | None) -> None:
    """A file without an ending, or with one that says nothing, is what it begins like."""
    assert format_of("part-00000", lambda: head) == format_of("a.data", lambda: head) == format
    assert content_format(head) == format


def test_json_by_name_may_be_json_lines() -> None:
    """Objects in lines, or JSON of another form, or what only its name says is JSON."""
    assert format_of("a.json", lambda: b'{"text": 1}\n{"text": 2}\n') == "jsonl"
    assert format_of("a.json", lambda: b'{\n "text": 1}') == "json"
    assert format_of("a.json", lambda: b'{"text": 1}\n') == "json"
    assert format_of("a.json.gz", lambda: b"\x00") == "json"


def test_a_text_file_may_be_something_else() -> None:
    """JSON Lines, an HTML page, or text."""
    assert format_of("a.txt", lambda: b'{"text": 1}\n{"text": 2}\n') == "jsonl"
    assert format_of("a.txt", lambda: b"<html><body>") == "html"
    assert format_of("a.md", lambda: b"{note} text") == format_of("a.TXT.gz", lambda: b"") == "text"


def test_what_a_file_really_is_beside_what_is_said() -> None:
    """Its content goes before its name; what is said goes where neither tells more."""
    assert mistaken("jsonl", "a.json", b'{\n "text": 1}') == "JSON that is not one object a line"
    assert mistaken("json", "a.json", b'{"text": 1}\n{"text": 2}') == ""
    assert mistaken("jsonl", "a.jsonl", b"PAR1") == "Parquet"
    assert mistaken("jsonl", "part-0", b"what?") == ""
