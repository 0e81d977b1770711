"""Writes `fineweb2.parquet`, FineWeb-2's thresholds and stop words: `python tools/generate_fineweb2.py CLONE`.

CLONE is a clone of https://github.com/huggingface/fineweb-2 (Apache License 2.0), here at d0defb24. The figures are
stored as they stand there; `refinery.filters.fineweb2` says which of them it does not take. A language that lid.176
labels has a code: it names the set of the script in which FineWeb-2 found the most documents of it.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from refinery.filters.fineweb2 import DATA, SCHEMA
from refinery.filters.language_codes import languages
from refinery.models import model_file


def documents(clone: Path) -> dict[str, int]:
    """Documents that FineWeb-2 kept of each subset."""
    with (clone / "fineweb2-language-distribution.csv").open(encoding="utf-8") as file:
        return {
            row["subset"]: int(row["documents"]) for row in csv.DictReader(file) if row["split"] == "train"
        }


def rows(clone: Path) -> list[dict[str, object]]:
    """A row for each configuration, by name."""
    found: list[dict[str, object]] = []
    size = documents(clone)
    largest: dict[str, str] = {}
    configs = {file.stem: file for file in sorted((clone / "configs").glob("*.yml"))}
    for name in sorted(configs, key=lambda name: (-size.get(name, 0), name)):
        largest.setdefault(languages([name])[0][0], name)
    labelled = {code for code, _ in languages(model_file.labels(model_file.BUILT_IN))}
    for name, file in configs.items():
        content = yaml.safe_load(file.read_text("utf-8"))
        code = languages([name])[0][0]
        grams = {f"top_{n}gram": limit for n, limit in content.pop("top_n_grams")}
        grams |= {f"dup_{n}gram": limit for n, limit in content.pop("dup_n_grams")}
        chosen = code if code in labelled and largest[code] == name else None
        found.append({"name": name, "language": code, "code": chosen, **content, **grams})
    return found


def main() -> None:
    """Writes the file."""
    table = pa.Table.from_pylist(rows(Path(sys.argv[1])), SCHEMA)
    options = {"compression_level": 19, "use_dictionary": ["stopwords.list.element"]}
    pq.write_table(table, DATA, compression="zstd", **options)  # noqa: TID251  (part of the package, not of a run)


if __name__ == "__main__":
    main()
