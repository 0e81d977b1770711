"""Small whole runs through the command line, and what they left behind."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from refinery.storage.marks import records_of
from tests.conftest import read_files, read_parquet

Refinery = Callable[..., tuple[int, str, str]]


@dataclass(frozen=True)
class Ran:
    """A finished call of `refinery run`."""

    code: int
    out: str
    err: str
    output: Path

    @property
    def manifest(self) -> dict[str, Any]:
        return json.loads((records_of(self.output) / "manifest.json").read_bytes())

    @property
    def source(self) -> dict[str, Any]:
        """The account of the only source."""
        (account,) = self.manifest["sources"].values()
        return account

    @property
    def table(self) -> pa.Table:
        """Every document written, in order."""
        files = [self.output / file["path"] for file in self.manifest["files"]]
        return pa.concat_tables(map(read_parquet, files))

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Documents written, by id."""
        return {row["id"]: row for row in self.table.to_pylist()}

    @property
    def decisions(self) -> dict[str, dict[str, Any]]:
        """Decisions on the documents, by id; on rejected rows by file name and row."""
        return {
            row["id"] if row["id"] is not None else f"{row['path']}:{row['row']}": row
            for row in read_files(self.output, "decisions").to_pylist()
        }

    @property
    def outcomes(self) -> dict[str, str]:
        """`kept`, or the rule that dropped a document, or why a row was rejected."""
        return {name: row["rule"] or row["outcome"] for name, row in self.decisions.items()}

    @property
    def rejects(self) -> list[dict[str, Any]]:
        return read_files(self.output, "rejects").to_pylist()


def define(
    folder: Path,
    *,
    source: Mapping[str, object] | None = None,
    stage: Mapping[str, object] | None = None,
    output: Mapping[str, object] | None = None,
    guards: Mapping[str, object] | None = None,
    name: str = "case",
) -> Path:
    """Writes a definition of one source (every file of `in`), one stage and one output (`out`), in input order."""
    definition = {
        "refinery": 1,
        "name": "case",
        "sources": {"crawl": {"path": "in", **(source or {})}},
        "stages": {"corpus": {"from": "crawl", **(stage or {})}},
        "outputs": {"corpus": {"from": "corpus", "path": "out", "shuffle": None, **(output or {})}},
        "guards": guards or {},
    }
    file = folder / f"{name}.yaml"
    file.write_text(json.dumps(definition), encoding="utf-8")
    return file


def run(refinery: Refinery, folder: Path, *arguments: object, expect: int = 0, **definition: Any) -> Ran:
    """Runs a definition in `folder`; the exit code must be the expected one and nothing a traceback."""
    file = define(folder, **definition)
    code, out, err = refinery("run", file, *(arguments or ["--workers", 1]))
    assert code == expect, err
    assert "Traceback" not in err
    output = definition.get("output") or {}
    ran = Ran(code, out, err, folder / output.get("path", "out"))
    if not code:
        adds_up(ran)
    return ran


def adds_up(ran: Ran) -> None:
    """Every row read is kept, dropped or rejected, and told once."""
    manifest = ran.manifest
    told = read_files(ran.output, "decisions").column("outcome").to_pylist()
    read = sum(source["documents"] + source["rejected"] for source in manifest["sources"].values())
    assert len(told) == read
    assert told.count("rejected") == sum(source["rejected"] for source in manifest["sources"].values())
    assert told.count("kept") == manifest["kept"]["documents"] == sum(f["rows"] for f in manifest["files"])


def lines(count: int, start: int = 0) -> list[dict[str, object]]:
    return [{"id": f"d{n}", "text": f"Text of document {n}."} for n in range(start, start + count)]


def write_jsonl(path: Path, rows: Sequence[object]) -> Path:
    """JSON Lines; a string is written as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_table(path: Path, columns: Mapping[str, object], **options: Any) -> Path:
    """Parquet with the columns' own types."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(columns)), path, **options)
    return path
