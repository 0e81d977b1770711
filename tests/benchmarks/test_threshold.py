"""The benchmark of a changed threshold."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from threshold import make_corpus

from tests.conftest import document, write_parquet

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "threshold.py"


def test_the_benchmark_measures_once(tmp_path):
    """Four runs over one work folder: all decide, only the first measures and writes, as each keeps the same."""
    for part in range(2):
        rows = [{"text": document(n, 10 + 3 * n), "id": n} for n in range(20 * part, 20 * part + 20)]
        write_parquet(tmp_path / "data" / f"{part}.parquet", rows)
    command = [sys.executable, SCRIPT, "--data", tmp_path / "data", "--workers", "1"]
    command += ["--work", tmp_path / "work", "--json", tmp_path / "found.json"]
    subprocess.run(command, check=True, capture_output=True)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["heading"].startswith("A changed threshold: 40 documents")
    phases = [dict(table["rows"]) for table in found["tables"]]
    assert [table["title"] for table in found["tables"]] == [
        "Measured once, with dedup and select",
        "Another threshold, with dedup and select",
        "Another threshold, rules alone",
    ]
    assert ["measure" in took for took in phases] == [True, False, False]
    assert ["dedup" in took for took in phases] == [True, True, False]
    assert ["write" in took for took in phases] == [True, False, False]
    assert all({"decide", "decisions", "start and end", "all"} <= took.keys() for took in phases)


def test_the_corpus_has_the_duplicates_that_are_told(tmp_path):
    """Of a hundred documents four are copies of the one before, and four differ from it in a sentence."""
    make_corpus(tmp_path / "corpus", 200, pa.array([f"This is sentence {n}." for n in range(1000)]))
    texts = pq.read_table(tmp_path / "corpus" / "00000.parquet").column("text").to_pylist()
    lines = [text.split("\n") for text in texts]
    pairs = list(enumerate(pairwise(lines), 1))
    assert [n % 100 for n, (one, other) in pairs if one == other] == [1, 3, 5, 7] * 2
    near = [n % 100 for n, (one, other) in pairs if one[:-1] == other[:-1] and one != other]
    assert near == [11, 13, 15, 17] * 2
