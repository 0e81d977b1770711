"""The marks by which refinery's own files are known again: names in an output folder, metadata in Parquet."""

from __future__ import annotations

import re

import pyarrow as pa

from refinery.storage.place import Place

RECORDS = ".records"  # ending of the folder beside an output's: loaders take every file of that one for data
OWNER = ".refinery-output.json"  # lies in every folder of records
MANIFEST = "manifest.json"
CARD = "README.md"  # the dataset card
ATTRIBUTION = "ATTRIBUTION.md"  # under which licences the documents are
MIXTURE = "mixture.json"  # what a mix holds of each part
# An output's files of documents: data-00000.parquet, or of a split data/validation-00000-of-00002.parquet, which
# `datasets` knows as a split by whatever name; of token ids pairs of .bin and .idx.
DATA = re.compile(r"(data-\d+|data/[A-Za-z]\w*-\d+-of-\d+)\.(parquet|jsonl\.zst|bin|idx)", re.ASCII)
KEPT = (
    ".kept.parquet"  # ending of a file beside a measurement of a verb's own: what the verb found out about it
)
MADE = b"refinery.made"  # metadata of a file: the columns that refinery added, as a JSON list
JSON_TEXT = b"refinery.json"  # metadata of a field: the strings are JSON; the value says why


def has_neighbours(folder: str) -> bool:
    """Whether other folders can lie beside this one: not beside a bucket, nor beside the root of a disk.

    >>> has_neighbours("s3://bucket/out"), has_neighbours("s3://bucket"), has_neighbours("/out"), has_neighbours("/")
    (True, False, True, False)
    """
    scheme, _, rest = folder.rpartition("://")
    return "/" in rest.strip("/") if scheme else bool(rest.strip("/"))


def records_of(folder: Place) -> Place:
    """The folder beside an output's that has all but its documents: decisions, rejects, the manifest.

    >>> from pathlib import Path
    >>> str(records_of(Path("out/medical-en")))
    'out/medical-en.records'
    """
    return folder.with_name(f"{folder.name}{RECORDS}")


def json_text(name: str, why: str) -> pa.Field:
    """A field of strings that are JSON."""
    return pa.field(name, pa.large_string(), metadata={JSON_TEXT: why.encode()})


def is_json_text(field: pa.Field) -> bool:
    """Whether the field's strings are JSON."""
    return bool(field.metadata) and JSON_TEXT in field.metadata
