"""Our own outputs met as input: which of their files are data, and which columns were added to the input's."""

from __future__ import annotations

from pathlib import Path

import orjson

from refinery.storage.filesystem import is_url

MADE = b"refinery.made"  # Parquet metadata: the columns that refinery added, as a JSON list
OWNER = ".refinery-output.json"  # lies in every output folder
MANIFEST = "manifest.json"


def is_output_data(path: str) -> bool:
    """False for a file of an output folder that holds no documents to read: decisions, rejects, the manifest."""
    folder, _, name = path.rpartition("/")
    return is_url(path) or not _is_output(folder) or name.startswith("data-")


def made_columns(path: str) -> tuple[str, ...]:
    """The columns that refinery added to a JSONL file of an output, as its manifest says; none for any other file."""
    folder = path.rpartition("/")[0]
    if is_url(path) or not _is_output(folder):
        return ()
    try:
        return tuple(orjson.loads(Path(folder, MANIFEST).read_bytes())["made_columns"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _is_output(folder: str) -> bool:
    return Path(folder, OWNER).exists()
