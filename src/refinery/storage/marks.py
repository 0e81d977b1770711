"""The marks by which refinery's own files are known again: names in an output folder, metadata in Parquet."""

from __future__ import annotations

import re

import pyarrow as pa

OWNER = ".refinery-output.json"  # lies in every output folder
MANIFEST = "manifest.json"
# An output's files of documents: data-00000.parquet, or of a split data-validation-00000.parquet.
DATA = re.compile(r"data-([A-Za-z][A-Za-z0-9_-]*-)?\d+\.(parquet|jsonl\.zst)")
KEPT = (
    ".kept.parquet"  # ending of a file beside a measurement of a verb's own: what the verb found out about it
)
MADE = b"refinery.made"  # metadata of a file: the columns that refinery added, as a JSON list
JSON_TEXT = b"refinery.json"  # metadata of a field: the strings are JSON; the value says why


def json_text(name: str, why: str) -> pa.Field:
    """A field of strings that are JSON."""
    return pa.field(name, pa.large_string(), metadata={JSON_TEXT: why.encode()})


def is_json_text(field: pa.Field) -> bool:
    """Whether the field's strings are JSON."""
    return bool(field.metadata) and JSON_TEXT in field.metadata
