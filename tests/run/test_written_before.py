"""Data files that an earlier run has written."""

from collections import Counter
from pathlib import Path

import orjson
import pyarrow.parquet as pq

from tests.conftest import PIPELINE, document, output_hashes, write_parquet

TEXT = PIPELINE.replace("path: out}", "path: out, shuffle: null, shard_bytes: 4000}")


def data_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Of each data file what is in it and when it was written."""
    hashes = output_hashes(folder)
    return {
        name: (hashes[name], (folder / name).stat().st_mtime_ns) for name in hashes if name.startswith("data")
    }


def run(repository: Path, refinery, text: str = TEXT) -> dict[str, tuple[str, int]]:
    (repository / "pipeline.yaml").write_text(text)
    assert refinery("run", repository / "pipeline.yaml", "-q")[0] == 0
    return data_of(repository / "out")


def fresh(repository: Path, refinery, text: str = TEXT) -> dict[str, str]:
    """The hashes of what a run from nothing writes."""
    (repository / "fresh.yaml").write_text(text.replace("path: out", "path: fresh"))
    command = ("run", repository / "fresh.yaml", "-q", "--work", repository / "fresh-work")
    assert refinery(*command)[0] == 0
    return output_hashes(repository / "fresh")


def test_files_before_the_added_documents_are_not_written_again(data_repository, refinery):
    """A shard at the end leaves all files but the last ones; the output is that of a run from nothing."""
    before = run(data_repository, refinery)
    rows = [{"id": f"new{n}", "text": document(100 + n), "year": 2024} for n in range(5)]
    write_parquet(data_repository / "crawl" / "9.parquet", rows)
    after = run(data_repository, refinery)
    same = [name for name in before if before[name] == after[name]]
    assert len(before) > 3 and same[: len(before) - 1] == list(before)[:-1]
    assert output_hashes(data_repository / "out") == fresh(data_repository, refinery)


def test_a_document_less_changes_the_files_from_its_shard_on(data_repository, refinery):
    """What is kept of a shard counts, and where the text after it lies; files of the shards before it stay."""
    before = run(data_repository, refinery)
    tables = {name: pq.read_table(data_repository / "out" / name) for name in before}
    rows = [
        (name, row) for name, table in tables.items() for row in table.select(["text", "lineage"]).to_pylist()
    ]
    others = dict.fromkeys(name for name, row in rows if row["lineage"]["path"] == "2.parquet")
    sizes = Counter(len(row["text"].encode()) for _, row in rows)
    there = [len(row["text"].encode()) for _, row in rows if row["lineage"]["path"] == "2.parquet"]
    size = next(size for size in there if sizes[size] == 1)
    text = TEXT.replace('"words >= 50"', f'"words >= 50 AND bytes <> {size}"')
    after = run(data_repository, refinery, text)
    same = [name for name in before if after.get(name) == before[name]]
    assert same == [name for name in before if name not in others] != []
    assert output_hashes(data_repository / "out") == fresh(data_repository, refinery, text)


def test_other_columns_or_bytes_are_written_anew(data_repository, refinery):
    """Whatever changes the rows, the text or their form: what lies there is no more than what it says it is."""
    before = run(data_repository, refinery)
    changed = {
        TEXT.replace("shard_bytes", "measurements: [words], shard_bytes"),
        TEXT.replace("    transform: [normalize]\n", ""),
        TEXT.replace("shard_bytes: 4000", "shard_bytes: 4001"),
    }
    for text in changed:
        after = run(data_repository, refinery, text)
        assert all(before[name][1] != after[name][1] for name in before.keys() & after.keys())
        assert output_hashes(data_repository / "out") == fresh(data_repository, refinery, text)
        before = after


def test_a_damaged_file_is_written_again(data_repository, refinery):
    """Its bytes are read before it is kept, and one that is gone is no file at all."""
    before = run(data_repository, refinery)
    names = list(before)
    first, second = (data_repository / "out" / name for name in names[:2])
    content = bytearray(first.read_bytes())
    content[100] ^= 1
    first.write_bytes(bytes(content))
    second.unlink()
    write_parquet(data_repository / "crawl" / "9.parquet", [{"id": "new", "text": document(99), "year": 1}])
    after = run(data_repository, refinery)
    assert {n: h for n, (h, _) in after.items()}[names[0]] == before[names[0]][0]
    assert after[names[2]] == before[names[2]]
    assert output_hashes(data_repository / "out") == fresh(data_repository, refinery)


def test_what_was_shuffled_or_split_has_no_keys(data_repository, refinery):
    """Its documents come from everywhere."""
    run(data_repository, refinery, TEXT.replace("shuffle: null", "shuffle: 1"))
    assert orjson.loads((data_repository / "out.records" / "manifest.json").read_bytes())["file_keys"] == {}
