"""Output files that a killed run had finished are taken over."""

import hashlib

from refinery.run.write import is_whole, staged_before
from refinery.storage.seal import sealed_json
from tests.conftest import PIPELINE, output_hashes


def test_finished_files_are_known_by_their_receipts(tmp_path):
    """A staged file counts when its receipt and its bytes agree, staged or moved; a torn one does not."""
    staged = tmp_path / ".staging-1"
    staged.mkdir()
    file = staged / "data-00000.parquet"
    file.write_bytes(b"12345")
    assert staged_before([file]) == []
    digest = hashlib.sha256(b"12345").hexdigest()
    (staged / "data-00000.parquet.json").write_bytes(sealed_json([3, 5, digest]))
    (found,) = staged_before([file])
    assert (found.rows, found.bytes, found.sha256) == (3, 5, digest)
    assert is_whole(found)
    file.rename(tmp_path / file.name)
    assert staged_before([file]) == [found]
    assert is_whole(found)
    (tmp_path / file.name).write_bytes(b"12346")
    assert not is_whole(found)
    (tmp_path / file.name).write_bytes(b"123")
    assert staged_before([file]) == []


def test_a_run_goes_on_from_staged_files(data_repository, refinery, monkeypatch):
    """A run that fails while writing leaves its files; the next one writes only the others."""
    from refinery.run import write

    text = PIPELINE.replace("{path: out}", "{path: out, shard_bytes: 10000}")
    (data_repository / "pipeline.yaml").write_text(text)
    real, calls = write.write_table, []

    def stop_at_the_third(path, *arguments, **options):
        calls.append(path.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(path, *arguments, **options)

    monkeypatch.setattr(write, "write_table", stop_at_the_third)
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 130
    assert refinery("run", data_repository / "pipeline.yaml", "-q")[0] == 0
    assert calls[:2] == ["data-00000.parquet", "data-00001.parquet"]
    assert not set(calls[:2]) & set(calls[3:])
    resumed = output_hashes(data_repository / "out")
    fresh = text.replace("path: out,", "path: fresh,")
    (data_repository / "fresh.yaml").write_text(fresh)
    assert refinery("run", data_repository / "fresh.yaml", "-q")[0] == 0
    expected = output_hashes(data_repository / "fresh")
    assert {k: v for k, v in resumed.items() if k.startswith("d")} == {
        k: v for k, v in expected.items() if k.startswith("d")
    }
