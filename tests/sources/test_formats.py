"""Formats are told by names first, then by content."""

import pytest

from refinery.sources.formats import format_of, is_one_document


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
        (b'\xef\xbb\xbf \n{"a": 1}', "jsonl"),
        (b"plain text", None),
        (b"", None),
    ],
)
def test_other_names_are_looked_into(head: bytes, format: str | None) -> None:
    """A file without an ending, or with one that says nothing, is what it begins like."""
    assert format_of("part-00000", lambda: head) == format_of("a.txt", lambda: head) == format


def test_json_that_is_laid_out_over_lines_is_no_corpus() -> None:
    """A manifest ends in .json as some JSON Lines do; its first line tells."""
    assert is_one_document(b'\xef\xbb\xbf{\n  "a": 1\n}') and is_one_document(b"[\r\n1]")
    assert not is_one_document(b'{"text": "x"}\n')
    assert format_of("a.json", lambda: b'{\n "text": 1}') is None
    assert format_of("a.json", lambda: b'{"text": 1}\n') == "jsonl"
