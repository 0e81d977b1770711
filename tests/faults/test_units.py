"""A document that kills whoever measures it, and one that eats all memory: the shard is named, the others finish.

The measurers are real plug-ins, installed for the run in a folder of its path.
"""

import os
import resource
import textwrap
from functools import partial

import pytest

from tests.cases import write_jsonl
from tests.conftest import document
from tests.faults.conftest import ERROR
from tests.faults.repository import run

PLUGIN = """
import ctypes
from dataclasses import dataclass
import pyarrow as pa
from pydantic import BaseModel
from refinery.filters.measurer import Measurer

class Settings(BaseModel):
    pass

@dataclass(frozen=True)
class Fragile(Measurer):
    name: str = "fragile"
    version: int = 1
    settings: tuple = ()
    schema: pa.Schema = pa.schema([("fine", pa.bool_())])

    def __call__(self, batch):
        text = batch.data.tobytes()
        if b"CRASH" in text:
            ctypes.string_at(0)
        if b"HUNGRY" in text:
            held = [bytearray(2**28) for _ in range(2**20)]
        return pa.RecordBatch.from_arrays([pa.array([True] * len(batch))], schema=self.schema)

def build(settings):
    return Fragile(settings={})
"""
DEFINITION = """
refinery: 1
name: fragile
sources: {crawl: {path: crawl}}
stages: {corpus: {from: crawl, measure: [fragile]}}
outputs: {corpus: {from: corpus, path: out}}
"""


@pytest.fixture
def fragile(tmp_path):
    """Six shards, the third of which may hold the word that a plug-in cannot bear, and the plug-in's environment."""
    site = tmp_path / "site"
    information = site / "fragile-1.0.dist-info"
    information.mkdir(parents=True)
    (site / "fragile.py").write_text(textwrap.dedent(PLUGIN))
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[refinery.measurers]\nfragile = fragile\n")
    (tmp_path / "pipeline.yaml").write_text(DEFINITION)
    for number in range(6):
        write_jsonl(
            tmp_path / "crawl" / f"{number}.jsonl", [{"text": document(number * 100 + n)} for n in range(20)]
        )
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    return tmp_path, {**os.environ, "PYTHONPATH": path}


def poison(folder, word: str) -> None:
    rows = [{"text": document(n) + (f" {word}" if n == 207 else "")} for n in range(200, 220)]
    write_jsonl(folder / "crawl" / "2.jsonl", rows)


def measured(folder) -> int:
    return len(list((folder / ".refinery").rglob("record.json")))


def test_a_document_crashes_its_worker_each_time(fragile, outcome):
    """A segmentation fault: the shard is named, the other shards are done, and without it the run goes on."""
    folder, environment = fragile
    poison(folder, "CRASH")
    code, err = run(folder, workers=2, env=environment)
    assert code == 1, err
    assert "2.jsonl: its worker process died 3 times" in err
    assert "Traceback" not in err
    assert measured(folder) == 5
    assert not (folder / "out.records" / "manifest.json").exists()
    outcome("document crashes its worker", ERROR)
    poison(folder, "fine")
    code, err = run(folder, workers=2, env=environment)
    assert code == 0, err


def limited(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_shard_needs_more_memory_than_there_is(fragile, outcome, workers):
    """Allocation fails under a limit: the shard is named in one line, the other shards are done."""
    folder, environment = fragile
    poison(folder, "HUNGRY")
    code, err = run(folder, workers=workers, env=environment, preexec_fn=partial(limited, 6 << 30))
    assert code == 1, err
    assert "2.jsonl" in err
    assert "memory" in err
    assert "Traceback" not in err
    assert measured(folder) == 5
    outcome("shard needs too much memory", ERROR)
