"""A run on one kind of processor and on both gives the same bytes."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from refinery.storage.marks import KEPT
from tests.conftest import chinese_document, document, write_parquet
from tests.goldens import corpus, freeze
from tests.plain_processor import environment, needs_x86_64

PIPELINE = """
refinery: 1
name: mixed
sources:
  books: {path: "books/*.parquet"}
  crawl: {path: "crawl/*"}
  noise: {path: noise}
  laws: {path: laws}
  world: {path: world}
stages:
  measured:
    from: [books, crawl, noise, laws, world]
    transform: [normalize]
    measure:
      - language
      - signals
      - {relevance: {model: {file: models/relevance}}}
      - {quality: {model: {file: models/quality.ftz}, label: hq}}
      - {importance: {model: {file: models/random.npz}}}
    keep:
      - varied: "unigram_entropy >= 2 AND char_entropy >= 2 AND dup_line_frac <= 0.5"
      - likely: "importance_per_token > -2.5 AND quality >= 0.05"
  unique:
    from: measured
    dedup: {near: {similarity: 0.7, bands: 20, rows: 5}, prefer: ["relevance DESC"]}
  chosen:
    from: unique
    select: {tokens: 60k, by: importance_per_token}
outputs:
  unique:
    from: unique
    path: out/unique
    measurements: [lang_score, lang_share, relevance, quality, importance, unigram_entropy]
  chosen: {from: chosen, path: out/chosen, format: jsonl, shuffle: 1, shard_bytes: 100KiB}
"""
SECOND = (  # texts of each kind
    "books/1.parquet",
    "books/3.parquet",
    "crawl/b.jsonl.gz",
    "noise/2.parquet",
    "laws/laws.parquet",
    "world/world.jsonl.zst",
)


@pytest.mark.services  # it compiles for a processor that no other test has, so it runs beside those that wait
@needs_x86_64
def test_processors_of_two_kinds_give_the_same_bytes(tmp_path: Path) -> None:
    """Outputs, decisions and all measurements: of one, and of a run that one begins and the other goes on with."""
    make(tmp_path)
    run(tmp_path)
    native = measurements(tmp_path), outputs(tmp_path)
    clear(tmp_path)
    for name in SECOND:
        (tmp_path / name).rename(tmp_path / "later" / Path(name).name)
    run(tmp_path)
    first = measurements(tmp_path)
    for name in SECOND:
        (tmp_path / "later" / Path(name).name).rename(tmp_path / name)
    run(tmp_path, plain=True)
    assert (measurements(tmp_path), outputs(tmp_path)) == native
    assert 0 < len(first) < len(native[0]) and first.items() <= native[0].items()


def make(folder: Path) -> None:
    """The sources of the goldens and some more files, 1,400 documents in all."""
    corpus.make(folder)
    shutil.copytree(freeze.MODELS, folder / "models")
    for name, first, kind in (
        ("books", 0, document),
        ("noise", 2000, document),
        ("laws", 4000, chinese_document),
    ):
        for n in (2, 3):
            rows = [
                {"id": f"{name}{n}-{i}", "text": kind(first + 500 * n + i, 3 + i % 40)} for i in range(180)
            ]
            write_parquet(folder / name / f"{n}.parquet", rows)
    write_parquet(folder / "world" / "0.parquet", [{"id": "en", "text": document(9000)}])
    (folder / "later").mkdir()
    random = np.random.default_rng(1).dirichlet(np.ones(10_000), 2)  # of as many values as buckets
    np.savez(folder / "models" / "random.npz", target=random[0], raw=random[1], format=np.array([1]))
    (folder / "pipeline.yaml").write_text(PIPELINE, encoding="utf-8")


def run(folder: Path, *, plain: bool = False) -> None:
    """The pipeline in a process of its own."""
    program = "from refinery.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "run", "-q", "--workers", "1", "pipeline.yaml"],
        cwd=folder,
        env=environment() if plain else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def clear(folder: Path) -> None:
    """Removes whatever runs have left."""
    for place in (*folder.glob("out*"), folder / ".refinery"):
        shutil.rmtree(place)


def measurements(folder: Path) -> dict[str, str]:
    """SHA-256 of every table that was measured, signatures and hashes of contents among them.

    Not of what dedup kept beside signatures: that follows from all that ran so far.
    """
    found = hashes(folder / ".refinery", "**/measured-*.parquet")
    return {name: digest for name, digest in found.items() if not name.endswith(KEPT)}


def outputs(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the outputs but the manifests, which hold times."""
    found = hashes(folder, "out*/**/*")
    return {name: digest for name, digest in found.items() if Path(name).name != "manifest.json"}


def hashes(folder: Path, pattern: str) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.glob(pattern)
        if file.is_file()
    }
