"""A data repository to be disturbed, `refinery run` on it in processes of its own, and what the run left."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.cases import write_jsonl
from tests.conftest import chinese_document, document

PIPELINE = """
refinery: 1
name: disturbed
sources:
  books: {path: "books/*.parquet"}
  crawl: {path: "crawl/*.jsonl"}
stages:
  screened:
    from: [books, crawl]
    transform: [normalize]
    measure: [signals, language]
    keep:
      - long_enough: "words >= 30"
      - varied: "unique_word_ratio >= 0.05"
  unique:
    from: screened
    dedup: {exact: true, near: {similarity: 0.8}}
  chosen:
    from: unique
    select: {tokens: 150K, by: words}
outputs:
  unique: {from: unique, path: unique, shuffle: 3, shard_bytes: 400KiB}
  chosen: {from: chosen, path: chosen, format: jsonl, shuffle: null, shard_bytes: 300KiB}
"""
OUTPUTS = ("unique", "chosen")
FOLDERS = (*OUTPUTS, "unique.records", "chosen.records")
LOGGED = 275  # lines that a run on the repository logs at least, most when a unit begins and when it ends
COMMAND = (sys.executable, "-c", "from refinery.cli import main; main()")


def make_repository(folder: Path, documents: int = 180, shards: int = 4) -> Path:
    """Two sources of `shards` files each, with duplicates within and between them, short documents and bad rows."""
    for number in range(shards):
        books = [
            {"id": f"b{number}-{n}", "text": document(1000 * number + n, 20), "year": 1900 + n}
            for n in range(documents)
        ]
        books += [{"id": f"zh{number}-{n}", "text": chinese_document(n % 90), "year": None} for n in range(9)]
        path = folder / "books" / f"{number}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(books), path)
        crawl: list[object] = [
            {
                "id": f"c{number}-{n}",
                "text": document(1000 * (number + n % 2 * 50) + n, 20) + "\r\n" * (n % 3),
            }
            for n in range(documents)
        ]
        crawl += [{"id": f"s{number}-{n}", "text": "Too short."} for n in range(9)] + ["not JSON"]
        write_jsonl(folder / "crawl" / f"{number}.jsonl", crawl)
    (folder / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")
    return folder


def clear(folder: Path) -> None:
    """Removes whatever runs have left."""
    for name in (*FOLDERS, ".refinery"):
        shutil.rmtree(folder / name, ignore_errors=True)


def content(folder: Path, outputs: tuple[str, ...] = FOLDERS) -> dict[str, str]:
    """SHA-256 of every file that the outputs hold, of their manifests without times; nothing else may lie there."""
    found: dict[str, str] = {}
    for output in outputs:
        for file in sorted((folder / output).rglob("*")):
            data = file.read_bytes() if file.is_file() else b""
            if file.name == "manifest.json":
                manifest = json.loads(data)
                data = json.dumps(
                    {k: v for k, v in manifest.items() if k not in {"started", "seconds"}}
                ).encode()
            if file.name != ".lock":
                found[f"{output}/{file.relative_to(folder / output)}"] = hashlib.sha256(data).hexdigest()
    return found


@dataclass
class Running:
    """A `refinery run` in a process of its own."""

    process: subprocess.Popen[str]
    folder: Path
    lines_before: int  # of the logs of earlier runs

    @property
    def workers(self) -> list[int]:
        """Its worker processes, by now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        found = []
        for pid in children.read_text().split() if children.exists() else []:
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if b"spawn_main" in command:
                found.append(int(pid))
        return found

    def wait_for(self, condition: Callable[[], object], seconds: float = 120) -> bool:
        """Waits until something is so; False when the run has ended before."""
        end = time.perf_counter() + seconds
        while not condition():
            if self.process.poll() is not None:
                return False
            if time.perf_counter() > end:
                raise TimeoutError("what the test waits for did not happen")
            time.sleep(0.0005)
        return True

    def reach(self, lines: int) -> bool:
        """Waits until this run has logged so many lines; False when it has ended before."""
        return self.wait_for(lambda: lines_logged(self.folder) - self.lines_before >= lines)

    def finish(self, seconds: float = 120) -> tuple[int, str]:
        """Exit code and standard error; a run that hangs fails the test."""
        try:
            _, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self.process.returncode, err

    def kill(self) -> None:
        """kill -9 of the driver alone."""
        self.process.kill()
        self.process.communicate()


def start(
    folder: Path,
    *arguments: object,
    workers: int | None = 1,
    definition: str = "pipeline.yaml",
    program: tuple[str, ...] = COMMAND,
    **options: object,
) -> Running:
    """Starts `refinery run` on the repository."""
    if workers:
        arguments = ("--workers", workers, *arguments)
    command = [*program, "run", "-q", *map(str, arguments), definition]
    before = lines_logged(folder)
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options
    )  # type: ignore[call-overload]
    return Running(process, folder, before)


def run(folder: Path, *arguments: object, workers: int = 1, **options: object) -> tuple[int, str]:
    """A whole run: exit code and standard error."""
    return start(folder, *arguments, workers=workers, **options).finish()


def lines_logged(folder: Path) -> int:
    """Lines in the logs of all runs."""
    return sum(
        file.read_bytes().count(b"\n") for file in (folder / ".refinery").glob("pipelines/*/logs/*.jsonl")
    )


def leftovers(folder: Path) -> list[str]:
    """Temporary files and staging folders: nothing of the kind outlives a run that succeeds."""
    return sorted(
        os.fspath(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.name.endswith(".tmp") or ".staging" in path.name
    )


def ends_well(folder: Path, expected: dict[str, str], begun: Running) -> None:
    """The run goes on to the expected bytes and leaves nothing behind."""
    code, err = begun.finish()
    assert code == 0, err
    assert content(folder) == expected
    assert leftovers(folder) == []
