"""Which format a file has: told by its name, else by its first bytes."""

from __future__ import annotations

from collections.abc import Callable

_SUFFIXES = {
    "parquet": "parquet", "pq": "parquet", "parq": "parquet",
    "jsonl": "jsonl", "ndjson": "jsonl", "json": "jsonl", "jl": "jsonl",
    "warc": "warc", "wet": "wet",
}  # fmt: skip
_BOM = b"\xef\xbb\xbf"
_COMPRESSIONS = {"gz", "gzip", "zst", "zstd", "bz2", "xz", "lz4"}


def format_of(relative: str, head: Callable[[], bytes]) -> str | None:
    """The format of a file by its path, None for none of ours; head: its first bytes, fetched if they are needed."""
    endings = relative.rpartition("/")[2].lower().split(".")[1:]
    while endings and endings[-1] in _COMPRESSIONS:
        endings.pop()
    if endings and endings[-1] in _SUFFIXES and not (endings == ["json"] and is_one_document(head())):
        return _SUFFIXES[endings[-1]]
    if head().startswith(b"PAR1"):
        return "parquet"
    if head().startswith(b"WARC/"):
        return "warc"
    return "jsonl" if head().removeprefix(_BOM).lstrip().startswith(b'{"') else None


def is_one_document(head: bytes) -> bool:
    """Whether a .json file is a document laid out over lines (a manifest, a configuration), not JSON Lines."""
    first = head.removeprefix(_BOM).lstrip().partition(b"\n")[0].rstrip()
    return first in {b"{", b"["}
