import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planting import jaccard, shingles
from pool import read_crawl

from tests.conftest import CHINESE, document

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pool.py"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three small files in the form that the script documents."""
    folder = tmp_path / "data"
    folder.mkdir()
    laws = ["".join(random.Random(i).choices(CHINESE, k=25)) for i in range(40)]
    texts = {"medical": [document(i, 20) for i in range(60)], "legal": laws}
    texts["films"] = [document(1000 + i, 20) for i in range(60)]
    for label, found in texts.items():
        columns = {"id": [f"{i}" for i in range(len(found))], "text": found, "label": [label] * len(found)}
        pq.write_table(pa.table({**columns, "lang": ["xx"] * len(found)}), folder / f"{label}.parquet")
    return folder


def mix(data: Path, out: Path) -> None:
    settings = ["--near", "10", "--exact", "5", "--footers", "6", "--shards", "4"]
    subprocess.run([sys.executable, SCRIPT, out, "--data", data, *settings], check=True, capture_output=True)


def test_a_pool_holds_what_its_truth_says(data: Path, tmp_path: Path) -> None:
    """Every document is in the truth; copies have the recorded similarity; training documents are elsewhere."""
    mix(data, tmp_path / "pool")
    texts = read_crawl(tmp_path / "pool" / "crawl")
    truth = pq.read_table(tmp_path / "pool" / "truth.parquet").to_pylist()
    assert {row["id"] for row in truth} == set(texts)
    assert {row["label"] for row in truth} == {"medical", "legal", "general"}
    planted = [row for row in truth if row["planted_of"]]
    assert {row["kind"] for row in planted} == {"near", "exact"}
    for row in planted:
        true = jaccard(shingles(texts[row["id"]]), shingles(texts[row["planted_of"]]))
        assert row["jaccard"] == pytest.approx(true)
    training = pq.read_table(tmp_path / "pool" / "train" / "medical" / "positive")["text"].to_pylist()
    assert training
    assert set(training).isdisjoint(texts.values())


def test_the_same_seed_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    """Two pools of one seed are equal, file by file."""
    mix(data, tmp_path / "one")
    mix(data, tmp_path / "two")
    files = [
        path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()
    ]
    assert len(files) > 8
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
