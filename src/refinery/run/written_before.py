"""Data files of an output that an earlier run has written: staged for the same output, or in the one before.

A file holds a range of the output's text, so where documents are added behind it, it stays as it is. The manifest has
a key of each file: of all that its bytes depend on. A staged file has a receipt, which is written after it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from refinery.storage.marks import MANIFEST, records_of
from refinery.storage.place import Place, files_below, read_file, read_many
from refinery.storage.sealed import read_sealed_json
from refinery.storage.write import WrittenFile


def find_unchanged(folder: Place, keys: Mapping[str, str]) -> list[WrittenFile]:
    """The files of the last finished run in the folder that have these keys, by name, and still their size."""
    try:
        manifest = orjson.loads(read_file(records_of(folder) / MANIFEST))
        files, known = [WrittenFile(**file) for file in manifest["files"]], manifest["file_keys"]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    sizes = files_below(folder)
    return [f for f in files if keys.get(f.path, "") == known.get(f.path) and sizes.get(f.path) == f.bytes]


def find_staged(folder: Place, staging: Place, names: Sequence[str]) -> list[WrittenFile]:
    """Files that an interrupted run of the same fingerprint finished: still staged, or moved already."""
    staged, moved = files_below(staging), files_below(folder)
    receipts = [name for name in names if f"{name}.json" in staged]
    found: list[WrittenFile] = []
    for name, content in zip(receipts, read_many([receipt_of(staging / n) for n in receipts]), strict=True):
        with contextlib.suppress(ValueError, TypeError):
            rows, size, sha256 = read_sealed_json(content or b"")
            if size in {staged.get(name), moved.get(name)}:
                found.append(WrittenFile(name, rows, size, sha256))
    return found


@dataclass(frozen=True)
class CheckTask:
    """A file that was staged before, or moved from there already."""

    folder: Place
    staging: Place
    file: WrittenFile


def is_whole(task: CheckTask) -> bool:
    """Whether the file has the content that its receipt tells; an object store keeps its own."""
    staged, file = task.staging, task.file
    if not isinstance(staged, Path):
        return True
    here = staged / file.path
    with (here if here.exists() else Path(str(task.folder)) / file.path).open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256


def receipt_of(path: Place) -> Place:
    """What says that a staged file is whole; written after it."""
    return path.with_name(path.name + ".json")
