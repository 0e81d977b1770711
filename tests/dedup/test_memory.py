"""What the docstrings promise of memory, as numpy allocates it."""

import tracemalloc

import numpy as np
import pyarrow as pa
import pytest

from refinery.dedup import components
from refinery.dedup.components import LABEL, Merge, merge_forests
from refinery.dedup.corpus import DedupShard
from refinery.dedup.run import dedup
from refinery.dedup.settings import Settings
from refinery.shuffle.records import Records
from tests.dedup.corpus import near, records_of, set_partitions, write_entries

ROWS = 40_000


def peak(function, *arguments) -> int:
    """Bytes that a call has allocated at most."""
    tracemalloc.start()
    try:
        function(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_last_merge_of_forests_takes_24_bytes_a_document(tmp_path, monkeypatch):
    """Of two forests that hold the same documents, at worst."""
    block = 1 << 12
    monkeypatch.setattr(components, "BLOCK_RECORDS", block)
    count = 400_000
    labels = np.empty(count, LABEL)
    labels["document"] = np.arange(count) * 3
    labels["root"] = labels["document"] // 30 * 30
    forests = Records.create(tmp_path / "forests", LABEL, writers=3, block_bytes=block * LABEL.itemsize)
    for number in range(2):
        with forests.writer(number) as writer:
            for start in range(0, count, block):
                writer.write(labels[start : start + block])
    merge_forests(forests, Merge(0, 1, 2))  # compiles
    assert peak(merge_forests, forests, Merge(0, 1, 2)) < 24 * count + 64 * block
    assert (forests.read_written(2) == labels).all()


def shard(folder, signatures: np.ndarray) -> DedupShard:
    """Documents of these signatures whose contents all differ."""
    count = len(signatures)
    content = np.arange(2 * count, dtype=np.uint64)
    columns = {
        "content": pa.Array.from_buffers(pa.binary(16), count, [None, pa.py_buffer(content)]),
        "signature": pa.Array.from_buffers(
            pa.binary(448), count, [None, pa.py_buffer(np.ascontiguousarray(signatures))]
        ),
    }
    return write_entries(folder / "0.parquet", columns, row_group_bytes=2 << 20)


def largest_unit(folder, signatures: np.ndarray, settings: Settings) -> tuple[dict[str, int], int]:
    """Peak of each step's largest unit, and how many documents were removed."""
    peaks: dict[str, int] = {}
    documents = shard(folder, signatures)

    def measured(name, function, units, **_):
        found = []
        for unit in units:
            peaks[name] = max(peaks.get(name, 0), peak(lambda unit=unit: found.append(function(unit))))
        return found

    result = dedup([documents], settings, map_units=measured, work=folder / "work")
    return peaks, len(records_of(result))


@pytest.mark.parametrize("kind", ["unlike", "one key", "one signature"])
def test_a_unit_holds_a_few_partitions_whatever_the_corpus(tmp_path, kind, monkeypatch):
    """Of unlike documents, of those that share one band's key, of those that share their signature."""
    generator = np.random.default_rng(1)
    signatures = generator.integers(0, 2**32, (ROWS, 112), dtype=np.uint32)
    if kind == "one key":
        signatures[:, :12] = 7
    if kind == "one signature":
        signatures[:] = 7
    settings = Settings(near=near())
    set_partitions(monkeypatch, 1 << 20)
    largest_unit(tmp_path, signatures[:200], settings)  # compiles
    peaks, removed = largest_unit(tmp_path, signatures, settings)
    assert removed == (ROWS - 1 if kind == "one signature" else 0)
    batch = 4096 * 1100  # rows of a batch: their signatures, once more as a batch, and their keys
    bucket = 300 * ROWS if kind == "one key" else 0  # a bucket is compared as a whole up to LARGE documents
    room = 6 * (1 << 20) + batch + bucket
    assert {name: size for name, size in peaks.items() if size > room} == {}
