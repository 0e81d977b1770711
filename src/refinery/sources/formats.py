"""Which format a file has: told by its name where that is enough, else by how its content begins."""

from __future__ import annotations

import re
from collections.abc import Callable

from refinery.sources.json_values import is_laid_out, looks_like_json

_NAMES = {
    "parquet": "parquet", "pq": "parquet", "parq": "parquet",
    "jsonl": "jsonl", "ndjson": "jsonl", "jl": "jsonl", "json": "json",
    "arrow": "arrow", "feather": "arrow", "ipc": "arrow", "arrows": "arrow",
    "csv": "csv", "tsv": "csv", "tab": "csv",
    "warc": "warc", "wet": "wet",
    "txt": "text", "text": "text", "md": "text", "markdown": "text", "rst": "text",
    "xml": "xml",
    "html": "html", "htm": "html", "xhtml": "html",
    "tar": "tar", "tgz": "tar", "tbz2": "tar", "txz": "tar", "tzst": "tar", "zip": "zip",
}  # fmt: skip
_LOOKED_INTO = {"json", "text"}  # what is called so may be something else
DOCUMENT_FILES = {"text", "html"}  # formats in which a file is a document
ENCODED = {
    "json",
    "jsonl",
    "csv",
    "text",
    "html",
    "xml",
    "tar",
    "zip",
}  # formats that the `encoding` of a source bears on
_COMPRESSIONS = {"gz", "gzip", "zst", "zstd", "bz2", "xz", "lz4"}
_BEGINS = (
    ("parquet", re.compile(rb"PAR1")),
    ("warc", re.compile(rb"WARC/")),
    ("tar", re.compile(rb"(?s).{257}ustar")),
    ("arrow", re.compile(rb"ARROW1\0\0|\xff\xff\xff\xff.{3}\0.\0\0\0", re.DOTALL)),
    (
        "html",
        re.compile(rb"(?is)(?:\xef\xbb\xbf|\s|<\?xml[^>]*>|<!--.*?-->)*+<(?:!doctype\s+html|html)[\s>]"),
    ),
)


def format_of(relative: str, head: Callable[[], bytes]) -> str | None:
    """The format of a file by its path, None for none of ours; head: the first bytes of its content, if needed."""
    named = named_format(relative)
    if named is not None and named not in _LOOKED_INTO:
        return named
    found = content_format(head())
    # a .json file of one line is a document like those that are laid out over lines, and no data set of one
    return named if found is None or (named == "json" and b"\n" not in head().strip()) else found


def named_format(relative: str) -> str | None:
    """The format that a path's ending stands for, below those of compressions; None if for none."""
    endings = relative.rpartition("/")[2].lower().split(".")[1:]
    while endings and endings[-1] in _COMPRESSIONS:
        endings.pop()
    return _NAMES.get(endings[-1]) if endings else None


def content_format(head: bytes) -> str | None:
    """The format of content that begins so, if that tells it."""
    if looks_like_json(head):
        return "json" if is_laid_out(head) else "jsonl"
    return next((format for format, begin in _BEGINS if begin.match(head)), None)


def mistaken(format: str, relative: str, head: bytes) -> str:
    """What a file that is said to be of a format is, by its content or its name, if it is another; else nothing."""
    found = content_format(head) or named_format(relative)
    same = {format} | ({"wet"} if format == "warc" else set())
    if found is None or found in same or (format == "json" and found == "jsonl"):
        return ""
    return _WORDS[found]


_WORDS = {
    "parquet": "Parquet",
    "jsonl": "JSON Lines",
    "json": "JSON that is not one object a line",
    "csv": "CSV",
    "arrow": "Arrow",
    "text": "text",
    "html": "an HTML page",
    "xml": "XML",
    "warc": "WARC",
    "wet": "WET",
    "tar": "a tar archive",
    "zip": "a zip archive",
}
