import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from synthetic import Corpus, members, numbers_of

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "scale.py"


def test_every_document_is_somewhere_once():
    """Places are strewn over the document numbers without a gap."""
    corpus = Corpus("mixed", 12_300)
    assert sorted(numbers_of(corpus, 0, 12_300).tolist()) == list(range(12_300))
    assert np.abs(np.diff(numbers_of(corpus, 0, 100))).min() > 1000


def test_clusters_have_the_sizes_that_are_expected():
    """Of a hundred documents: five copies, one cluster of five, two pairs."""
    cluster, content, similarity = members(np.arange(100))
    assert len(set(content.tolist())) == 95
    sizes = np.bincount(np.unique(cluster, return_counts=True)[1])
    assert sizes.tolist() == [0, 81, 7, 0, 0, 1]  # pairs: five of copies, two near
    assert sorted(set(similarity.tolist())) == [0.9, 0.995, 1.0]


def test_the_benchmark_runs_and_finds_what_was_planted(tmp_path):
    """Small sizes, tables as JSON, nothing left behind."""
    command = [sys.executable, SCRIPT, "--documents", "0.004", "0.008", "--buckets", "0.003"]
    command += ["--work", tmp_path / "work", "--json", tmp_path / "found.json", "--workers", "1"]
    subprocess.run(command, check=True, capture_output=True)
    tables = json.loads((tmp_path / "found.json").read_text())["tables"]
    assert [row[-1].partition(": ")[2] for row in tables[0]["rows"]] == ["as expected"] * 2
    assert tables[0]["rows"][0][0] == 4000
    assert {"Fit", "What follows", "Dedup of one bucket"} <= {table["title"] for table in tables}
    assert not list((tmp_path / "work").iterdir())
