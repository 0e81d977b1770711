"""Dedup whose files lie on an object store."""

import fsspec
import pytest

from refinery.dedup import corpus as corpus_module
from refinery.dedup.run import dedup
from refinery.storage.place import files_below, place_of
from tests.conftest import document
from tests.dedup.corpus import SETTINGS, in_order, removed_of, run, set_partitions, write_shard


@pytest.fixture
def store():
    """A folder of fsspec's store in memory, which has the interface of an object store."""
    memory = fsspec.filesystem("memory")
    memory.rm("/dedup", recursive=True) if memory.exists("/dedup") else None
    yield place_of("memory://dedup/work")
    memory.rm("/dedup", recursive=True)


def test_the_result_is_that_of_a_local_folder(tmp_path, store, monkeypatch):
    """The same documents go for the same kept ones, and nothing but the result stays."""
    monkeypatch.setattr(corpus_module, "LEAST_DOCUMENTS", 16)
    texts = [document(n % 70) + (f" w{n}" if n % 3 else "") for n in range(150)]
    shards = [write_shard(tmp_path / f"{n}.parquet", texts[n::2]) for n in range(2)]
    set_partitions(monkeypatch, 4000)
    expected = run(tmp_path, shards)
    found = removed_of(dedup(shards, SETTINGS, map_units=in_order, work=store), shards)
    assert found == expected
    assert len(found) > 60
    assert {name.partition("/")[0] for name in files_below(store)} == {"removed"}
