"""Shapes of files that could take any memory stay within what docs/environments.md says, in every process."""

import csv
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.conftest import document

DEFINITION = """
refinery: 1
name: shapes
sources:
  crawl: {path: "FILES", columns: {keep: [c7]}}
stages:
  good: {from: crawl, measure: [signals], keep: [{any: "words >= 0"}]}
  unique: {from: good, dedup: {exact: true}}
outputs:
  all: {from: unique, path: out}
"""
WHOLE = DEFINITION.replace(", columns: {keep: [c7]}", "")
MIB = 2**20
COLUMNS = 100_000
PIECE, PIECES = "a b " * 2**18, 1536  # of a MiB each
ROWS = 20


def processes(number: int) -> Iterator[int]:
    """A process and those that it started."""
    yield number
    with suppress(OSError):
        for thread in Path(f"/proc/{number}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from processes(int(child))


def peaks(folder: Path, files: str, definition: str = DEFINITION) -> list[int]:
    """Bytes at most of each process of a run that ends well."""
    (folder / "p.yaml").write_text(definition.replace("FILES", files))
    command = [
        Path(sys.executable).with_name("refinery"),
        "run",
        folder / "p.yaml",
        "--workers",
        "2",
        "--quiet",
    ]
    found: dict[int, int] = {}
    with subprocess.Popen(command, stderr=subprocess.PIPE) as run:
        while run.poll() is None:
            for number in processes(run.pid):
                with suppress(OSError):
                    status = Path(f"/proc/{number}/status").read_text()
                    # not ru_maxrss, which a process inherits from the one that started it
                    if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
                        found[number] = int(peak[1]) << 10
            time.sleep(0.02)
        told = run.stderr.read().decode()  # type: ignore[union-attr]
    assert run.returncode == 0, told
    return sorted(found.values())


def wide(number: int) -> dict[str, object]:
    return {"id": f"d{number}", "text": document(number), **{f"c{n}": n + number for n in range(COLUMNS)}}


def write_parquet(path: Path, rows: list[dict[str, object]]) -> None:
    table = pa.table({name: [row[name] for row in rows] for name in rows[0]})
    pq.write_table(table, path, row_group_size=ROWS // 2)


def write_jsonl(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))


def write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([list(rows[0]), *(row.values() for row in rows)])


@pytest.mark.parametrize("write", [write_parquet, write_jsonl, write_csv])
def test_a_hundred_thousand_columns(tmp_path, write):
    """Of which one is kept; two row groups and two files of Parquet."""
    kind = write.__name__.removeprefix("write_")
    for first in (0, ROWS):
        write(tmp_path / f"{first}.{kind}", [wide(number) for number in range(first, first + ROWS)])
    assert max(peaks(tmp_path, f"*.{kind}")) < 800 * MIB
    table = pq.read_table(tmp_path / "out")
    assert sorted(table["c7"].to_pylist(), key=int)[-1] in {46, "46"}
    assert len(table) == 2 * ROWS


def test_ten_million_empty_rows(tmp_path):
    """28 kB of Parquet; each row is a document."""
    text = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), 10_000_000), pa.array([""]))
    pq.write_table(pa.table({"text": text}), tmp_path / "a.parquet", row_group_size=2**20)
    assert max(peaks(tmp_path, "*.parquet", WHOLE)) < 1024 * MIB


def long_parquet(path: Path, text: str) -> None:
    values = pa.array([PIECE * PIECES, text], pa.large_string())
    pq.write_table(pa.table({"text": values}), path, use_dictionary=False)


def long_jsonl(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write('{"text": "')
        file.writelines(PIECE for _ in range(PIECES))
        file.write(f'"}}\n{{"text": "{text}"}}\n')


@pytest.mark.parametrize("write", [long_parquet, long_jsonl])
def test_a_value_of_one_and_a_half_gigabytes(tmp_path, write):
    """Rejected as too long, beside a row that is read."""
    kind = write.__name__.removeprefix("long_")
    write(tmp_path / f"a.{kind}", document(1).replace("\n", " "))
    assert max(peaks(tmp_path, f"*.{kind}", WHOLE)) < 800 * MIB
    assert len(pq.read_table(tmp_path / "out")) == 1
