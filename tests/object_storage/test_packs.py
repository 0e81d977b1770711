"""Many small files on a store, which are read together."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tests.request_counts import RequestLog
from tests.tiny_shards import content, definition, upload

FILES, DOCUMENTS = 40, 2
NO_GUARD = "guards: {budget_missed: off}\n"  # so few documents meet no budget to half a percent


def test_small_files_are_fetched_once_a_read(tmp_path, bucket, s3_server, refinery):
    """Measured by one GET each, and the bytes are those of the same files on a disk."""
    upload(bucket, FILES, DOCUMENTS)
    for n in range(FILES):
        file = tmp_path / "crawl0" / "0000" / f"{n:07}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content(n, DOCUMENTS))
    for name, source in (("store", bucket), ("disk", tmp_path)):
        text = definition(source, tmp_path / name, FILES, DOCUMENTS) + NO_GUARD
        (tmp_path / f"{name}.yaml").write_text(text)
    log = RequestLog(tmp_path / "requests")
    assert refinery("run", tmp_path / "disk.yaml", "-q", "--work", tmp_path / "disk-work") == (0, "", "")
    command(tmp_path, log)
    for file in (tmp_path / "disk").rglob("*.parquet"):
        assert file.read_bytes() == (tmp_path / "store" / file.relative_to(tmp_path / "disk")).read_bytes()
    counts = Counter(r.kind for r in log.requests() if r.key.startswith("crawl0"))
    reads = (
        counts["GET"] / FILES
    )  # to measure, to settle pairs, to write two outputs; one more to compile for
    assert 1 <= reads <= 5
    beginnings = 2 * 16 + 2 * 4  # of files, looked at for what a source is and how long its documents are
    assert counts["HEAD"] <= counts["GET"] + beginnings
    assert counts["LIST"] <= 2


def command(folder, log):
    """Runs the definition over the store in a process of its own, whose requests are counted."""
    words = [Path(sys.executable).with_name("refinery"), "run", folder / "store.yaml", "-q", "--workers", "1"]
    subprocess.run(
        [*words, "--work", folder / "store-work"], env=os.environ | log.environment(), check=True, timeout=100
    )
