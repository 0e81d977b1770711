"""Label files as people give them back."""

import csv
import json
from pathlib import Path

from refinery.labels.file import Labels, read_labels


def write_file(file: Path, rows: list[dict]) -> Path:
    """Rows as JSON Lines or CSV, by the file's name."""
    if file.suffix == ".jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    else:
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    return file


def rows_of(strata: list[tuple[int, list[tuple[float, bool | None]]]], **others: list[float]) -> list[dict]:
    """Strata, each with its documents and the score and label of those that were drawn; others: more scores."""
    rows = [
        {"stratum": number, "stratum_documents": size, "score": score, "label": label}
        for number, (size, drawn) in enumerate(strata, 1)
        for score, label in drawn
    ]
    return [
        {"source": "crawl", "path": "a", "row": place, **row, **{n: v[place] for n, v in others.items()}}
        for place, row in enumerate(rows)
    ]


def labels_of(folder: Path, strata: list, **others: list[float]) -> Labels:
    """The same, read."""
    return read_labels(write_file(folder / "labels.jsonl", rows_of(strata, **others)))
