"""The measure pass: what is known already is not measured again."""

import gzip
import json
import random
import re
import tracemalloc
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.errors import InputError
from refinery.filters.token_count import Size
from refinery.plan.graph import Measurement, View
from refinery.plan.plan import PlannedShard
from refinery.run import measure as measure_module
from refinery.run.decisions import DecisionsTask, ShardOutcomes, write_decisions
from refinery.run.measure import MeasureTask, measure, refuse_rejects
from refinery.run.records import read_shard_records
from refinery.sources.documents import SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from tests.conftest import PIPELINE, decisions, document, write_parquet


def measured(folder: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in (folder / ".refinery").rglob("measured-*.parquet")}


def test_a_changed_threshold_measures_nothing(data_repository, refinery):
    """Only decisions are made again; the output follows the new threshold."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    (data_repository / "pipeline.yaml").write_text(PIPELINE.replace("words >= 50", "words >= 3"))
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    assert measured(data_repository) == before
    assert decisions(data_repository / "out")["short2"]["outcome"] == "kept"


def test_an_added_shard_is_measured_alone(data_repository, refinery):
    """Measurements of the other shards stay as they are."""
    refinery("run", data_repository / "pipeline.yaml", "-q")
    before = measured(data_repository)
    write_parquet(data_repository / "crawl" / "9.parquet", [{"id": "new", "text": document(999), "year": 1}])
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    after = measured(data_repository)
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)
    assert decisions(data_repository / "out")["new"]["outcome"] == "kept"


def bytes_read() -> int:
    """Bytes that this process has asked the kernel for, pages in its cache included."""
    found = re.search(r"^rchar: (\d+)$", Path("/proc/self/io").read_text(), re.MULTILINE)
    return int(found[1])


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz"])
def test_a_shard_is_read_once(tmp_path, ending):
    """To describe and measure it, to measure something more, and to read survivors with their other columns."""
    chosen = random.Random(1)
    measurement = Measurement(View("crawl"), Size())
    for name, count in {"first": 10, "counted": 100_000}.items():  # the first for imports and kernels
        rows = [{"id": n, "text": f"{chosen.random()}", "n": [n]} for n in range(count)]
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path = tmp_path / f"{name}.{ending}"
        path.write_bytes(gzip.compress(content, 1) if ending.endswith("gz") else content)
        spec = SourceSpec("crawl", (str(path),))
        planned = PlannedShard(list_shards(spec).shards[0], spec, tmp_path / name, 0)
        reads = [bytes_read()]
        measure(MeasureTask(planned, (), describe=True))
        reads.append(bytes_read())
        measure(MeasureTask(planned, (measurement,), describe=False))
        reads.append(bytes_read())
        record = read_shard_records([planned])[0]
        wanted = np.arange(0, count, 3)
        for batch in read_documents(planned.shard, spec, carry=record.carried(), wanted=wanted):
            wanted = wanted[len(batch.rows) :]
        reads.append(bytes_read())
    assert len(wanted) == 0
    size = path.stat().st_size
    assert all(size <= read < 1.5 * size for read in np.diff(reads)), (size, np.diff(reads))
    assert (record.documents, record.id_type()) == (count, pa.int64())
    assert record.carried().remove_metadata() == pa.schema([("n", pa.list_(pa.int64()))])


@pytest.mark.parametrize("size", [30, 100, 1 << 30])
def test_a_reject_that_stops_the_run_is_named_by_file_and_row(tmp_path, size):
    """Wherever the file is cut, when it is met and when an earlier run has put it aside; blank lines count."""
    lines = ['{"text": "x"}', "", '{"text": "y"}'] * 20
    lines[41] = "no JSON"
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    table = pa.table({"text": [None if n == 41 else "x" for n in range(60)]})
    pq.write_table(table, tmp_path / "b.parquet", row_group_size=4)
    for name in ("a.jsonl", "b.parquet"):
        spec = SourceSpec("crawl", (str(tmp_path / name),), on_error="fail")
        found = []
        for number, shard in enumerate(list_shards(spec, size).shards):
            planned = PlannedShard(shard, spec, tmp_path / "work" / name / str(number), number)
            quiet = replace(planned, spec=replace(spec, on_error="quarantine"))
            try:
                measure(MeasureTask(planned, (), describe=True))
            except InputError as error:
                found.append(error.place)
                measure(MeasureTask(quiet, (), describe=True))
                with pytest.raises(InputError) as later:
                    refuse_rejects(planned, read_shard_records([planned])[number])
                found.append(later.value.place)
        assert found == [f"{tmp_path / name}, row 41"] * 2


def test_rejects_are_not_gathered_in_memory(tmp_path, monkeypatch):
    """A shard of nothing but rejects takes no more than a batch of them, when it is read and when it is told."""
    small = partial(read_documents, batch_bytes=50_000)
    monkeypatch.setattr(measure_module, "read_documents", small)
    monkeypatch.setattr("refinery.storage.tables.BATCH_ROWS", 100)

    def peak(count: int) -> int:
        (tmp_path / "a.jsonl").write_text("{}\n" * count)
        spec = SourceSpec("crawl", (str(tmp_path / "a.jsonl"),))
        planned = PlannedShard(list_shards(spec).shards[0], spec, tmp_path / "work", 0)
        tracemalloc.start()
        try:
            measure(MeasureTask(planned, (), describe=True))
            places = (tmp_path / "decisions-00000.parquet", tmp_path / "rejects-00000.parquet")
            written = write_decisions(DecisionsTask((ShardOutcomes(planned, ()),), (), *places))
            found = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        record = read_shard_records([planned])[0]
        assert (record.documents, record.rejected, record.reasons) == (0, count, {"missing_text": count})
        assert written.rejects.rows == written.decisions.rows == written.rejected == count
        return found

    peak(10)  # imports
    assert peak(15_000) - peak(1000) < 14_000 * 64  # a reject takes 136 bytes and more
