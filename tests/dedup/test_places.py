"""Dedup whose files lie on an object store."""

import fsspec
import numpy as np
import pytest

from refinery.dedup import run as dedup_run
from refinery.dedup import spill
from refinery.dedup.layout import DedupShard
from refinery.errors import DamagedFile
from refinery.storage.place import files_below, place_of
from tests.conftest import document
from tests.dedup.corpus import SETTINGS, in_order, read_texts, removed_of, run, set_ranges, write_shard


@pytest.fixture
def store():
    """A folder of fsspec's store in memory, which has the interface of an object store."""
    memory = fsspec.filesystem("memory")
    memory.rm("/dedup", recursive=True) if memory.exists("/dedup") else None
    yield place_of("memory://dedup/work")
    memory.rm("/dedup", recursive=True)


def test_the_result_is_that_of_a_local_folder(tmp_path, store, monkeypatch):
    """The same documents go for the same twins, and nothing but the result stays."""
    monkeypatch.setattr(dedup_run, "LEAST_STRETCH", 16)
    texts = [document(n % 70) + (f" w{n}" if n % 3 else "") for n in range(150)]
    shards = [write_shard(tmp_path / f"{n}.parquet", texts[n::2]) for n in range(2)]
    set_ranges(monkeypatch, 4000)
    expected = run(tmp_path, shards)
    remote = [DedupShard(s.entries, s.documents, s.frozen, s.rows, s.name, s.source) for s in shards]
    result = dedup_run.dedup(remote, SETTINGS, map_units=in_order, read_texts=read_texts, work=store)
    found = removed_of(result)
    assert found == expected
    assert len(found) > 60
    assert {name.partition("/")[0] for name in files_below(store)} == {"removed"}


def test_what_is_gone_or_cut_off_is_told(store, monkeypatch):
    """As on a local disk."""
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)  # waits between attempts
    spill.write_cut(store / "a.spill", np.arange(10), np.arange(10) % 2, 2)
    assert spill.read_cut([store / "a.spill"], np.dtype(np.int64), 2, 1).tolist() == [1, 3, 5, 7, 9]
    assert spill.cut_size([store / "a.spill"], 2, 1) == 5
    with pytest.raises(DamagedFile, match="gone"):
        spill.load(store / "b.spill", np.dtype(np.int64))
    with pytest.raises(DamagedFile, match="gone"):
        spill.read_cut([store / "b.spill"], np.dtype(np.int64), 2, 1)
    for damaged, problem in ((lambda c: c[:50], "50 of 80 bytes"), (lambda c: c[:79] + b"0", "checksum")):
        spill.write_cut(store / "c.spill", np.arange(10), np.arange(10) % 2, 2)
        (store / "c.spill").write_bytes(damaged((store / "c.spill").read_bytes()))
        with pytest.raises(DamagedFile, match=rf"c\.spill.*{problem}"):
            spill.read_cut([store / "c.spill"], np.dtype(np.int64), 2, 1)
    (store / "c.spill").unlink()
    with pytest.raises(DamagedFile, match=r"c\.spill.*gone"):
        spill.read_cut([store / "c.spill"], np.dtype(np.int64), 2, 1)
