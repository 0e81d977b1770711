"""What a golden says of a run, each fact read in one place: a column that is renamed is one edit here."""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
import zstandard

from tests.conftest import read_files

Row = dict[str, Any]

DECISION: dict[str, Callable[[Row], object]] = {
    "source": lambda row: row["source"],
    "path": lambda row: row["path"],
    "id": lambda row: row["id"] if row["id"] is not None else f"row {row['row']}",
    "outcome": lambda row: row["outcome"],
    "stage": lambda row: row["stage"],
    "rule": lambda row: row["rule"],
    "failed": lambda row: " ".join(row["failed"] or ()) or None,
    "duplicate of source": lambda row: row["duplicate_of_source"],
    "duplicate of id": lambda row: row["duplicate_of_id"],
    "similarity": lambda row: row["similarity"],
}
DOCUMENT: dict[str, Callable[[Row], object]] = {
    "source": lambda row: row["lineage"]["source"],
    "id": lambda row: row["id"],
    "text": lambda row: short(row["text"]),
}
NOT_COLUMNS = ("text", "id", "lineage")  # the other columns are carried or measured


def outputs(definition: Path) -> dict[str, Path]:
    """Folder of each output by name."""
    given = yaml.safe_load(definition.read_text("utf-8"))["outputs"]
    return {name: definition.parent / output["path"] for name, output in given.items()}


def decisions(folder: Path) -> list[list[object]]:
    """One list a row read, with the facts' names first; ordered by source, file and id, not by how a run reads."""
    rows = _rows(read_files(folder, "decisions"))
    found = [_without_end([fact(row) for fact in DECISION.values()]) for row in rows]
    return [list(DECISION), *sorted(found, key=lambda row: [str(value) for value in row])]


def documents(folder: Path) -> list[list[object]]:
    """One list a document written, in order, with the names first: its facts, then its other columns."""
    rows = [row for file in sorted(folder.glob("data-*")) for row in _read(file)]
    columns = list(dict.fromkeys(name for row in rows for name in row if name not in NOT_COLUMNS))
    facts = [*DOCUMENT.values(), *(lambda row, name=name: row.get(name) for name in columns)]
    return [[*DOCUMENT, *columns], *([fact(row) for fact in facts] for row in rows)]


def short(text: str) -> str:
    """A text itself, or of one that is longer than 60 characters the first 16 hex digits of its SHA-256."""
    return text if len(text) <= 60 else hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(file: Path) -> Iterable[Row]:
    if file.suffix == ".parquet":
        return _rows(pq.read_table(file))
    with zstandard.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _rows(table: pa.Table) -> list[Row]:
    """Rows as Python objects, floats with as many digits as are sure: 12, or the shortest form of 32 bits."""
    rows = table.to_pylist()
    for field in table.schema:
        if pa.types.is_floating(field.type):
            form = np.float32 if pa.types.is_float32(field.type) else "{:.12g}".format
            for row in rows:
                row[field.name] = None if row[field.name] is None else float(str(form(row[field.name])))
    return rows


def _without_end(values: list[object]) -> list[object]:
    """The values up to the last that is something."""
    while values[-1] is None:
        values.pop()
    return values
