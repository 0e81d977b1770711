"""The table of formats: each one that a definition may name has a reader, and each streams."""

import json
import subprocess
import sys
from itertools import repeat
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest

from refinery.definition.models import Source
from refinery.sources.archives import FORMATS
from refinery.sources.documents import Format


def test_each_format_of_a_definition_has_a_reader():
    """And none has one that cannot be named."""
    assert FORMATS.keys() | {"auto"} == set(get_args(Format))
    assert set(get_args(Source.model_fields["format"].annotation)) == set(get_args(Format))


READ = """
import sys, re
from pathlib import Path
from refinery.sources.documents import SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards

def peak():
    # not ru_maxrss, which a process inherits from the one that started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024

def read(path):
    spec = SourceSpec("s", (path,), record="doc")
    (shard,) = list_shards(spec).shards
    return sum(len(batch.rows) for batch in read_documents(shard, spec, batch_bytes=2**20))

read(sys.argv[1])
before = peak()
print(read(sys.argv[2]), peak() - before)
"""
TEXT = "A line of a document that has some forty words, more or less. \n" * 45


def arrow(path: Path, rows: int) -> None:
    batch = pa.RecordBatch.from_pydict({"text": [TEXT] * 100})
    with pa.ipc.new_stream(path, batch.schema) as writer:
        for _ in range(rows // 100):
            writer.write_batch(batch)


def written(path: Path, begin: str, row: str, end: str, rows: int) -> None:
    with path.open("w", newline="") as file:
        file.write(begin)
        file.writelines(repeat(row, rows - 1))
        file.write(row.rstrip(",") + end)


@pytest.mark.parametrize("format", ["json", "csv", "xml", "arrow"])
def test_memory_does_not_follow_the_file(tmp_path, format):
    """A file of 36 MB is read with no more than a few megabytes beside one of 12 MB."""
    row = {
        "json": ("[", json.dumps({"text": TEXT}) + ",", "]"),
        "csv": ("text\n", f'"{TEXT}"\n', ""),
        "xml": ("<set>", f"<doc><text>{TEXT}</text></doc>", "</set>"),
    }
    paths = []
    for rows in (4000, 12_000):
        paths.append(tmp_path / f"{rows}.{format}")
        if format == "arrow":
            arrow(paths[-1], rows)
        else:
            written(paths[-1], *row[format], rows)
    done = subprocess.run(
        [sys.executable, "-c", READ, *map(str, paths)], capture_output=True, text=True, check=True
    )
    found, more = map(int, done.stdout.split())
    assert found == 12_000
    assert more < (35 if format == "arrow" else 20)  # pages of a map count as a process's own
