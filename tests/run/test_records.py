"""Records of shards come back as they were, one by one and as a table."""

import base64
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.plan.plan import PlannedShard
from refinery.run.records import (
    ShardRecord,
    read_kept_records,
    read_records,
    read_shard_records,
    write_records,
)
from refinery.sources.shards import list_shards
from refinery.storage.commit import commit_bytes
from refinery.storage.sealed import sealed_json
from tests.run.planning import plan_of
from tests.sources.reading import spec

SCHEMAS = [
    base64.b64encode(
        pa.schema([("id", pa.int64()), *((f"c{n}", pa.string()) for n in range(width))]).serialize()
    )
    for width in (0, 3)
]
NUMBERS = st.integers(0, 2**62)
COUNTS = st.dictionaries(st.sampled_from(["not_json", "null_text", "truncated_file"]), NUMBERS)
RECORDS = st.builds(
    ShardRecord,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    COUNTS,
    COUNTS,
    st.sampled_from([schema.decode() for schema in SCHEMAS]),
    st.sampled_from(["", "ab" * 16]),
)


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(["a" * 32, "b" * 32, "c" * 32]), RECORDS))
def test_a_table_holds_what_was_written(records: dict[str, ShardRecord]) -> None:
    """All records by the keys of their shards, none of them too; the same records are the same bytes."""
    with TemporaryDirectory() as folder:
        file, again = Path(folder) / "a.parquet", Path(folder) / "b.parquet"
        write_records(file, records)
        write_records(again, records)
        assert read_records(file) == records
        assert file.read_bytes() == again.read_bytes()


def test_a_damaged_table_is_none(tmp_path):
    """It is made again of the records of shards; so is one that is not there."""
    file = tmp_path / "records.parquet"
    assert read_records(file) == {}
    write_records(file, {"ab" * 16: ShardRecord(1, 1, 0, 5, schema=SCHEMAS[0].decode())})
    content = bytearray(file.read_bytes())
    content[10] ^= 1
    file.write_bytes(content)
    assert read_records(file) == {}


def test_a_run_reads_the_table_of_its_pipeline(data_repository, refinery):
    """Records of shards that are gone are none, and of a new shard one more is kept."""
    definition = data_repository / "pipeline.yaml"
    assert read_kept_records(plan_of(definition)) == {}
    assert refinery("run", definition, "-q")[0] == 0
    plan = plan_of(definition)
    kept = read_kept_records(plan)
    assert kept == read_shard_records(plan.shards)
    assert len(kept) == 3
    (data_repository / "crawl" / "0.parquet").rename(data_repository / "crawl" / "7.parquet")
    assert len(read_kept_records(plan_of(definition))) == 2
    shutil.rmtree(plan.shards[1].folder)
    assert refinery("run", definition, "-q")[0] == 0
    plan = plan_of(definition)
    assert read_kept_records(plan) == read_shard_records(plan.shards)


def test_a_record_that_is_damaged_or_missing_is_none(tmp_path):
    """The others are found by the numbers of their shards."""
    planned = []
    for number in range(4):
        (tmp_path / "corpus").mkdir(exist_ok=True)
        (tmp_path / "corpus" / f"{number}.jsonl").write_text("{}\n" * (number + 1))
    for number, shard in enumerate(list_shards(spec(tmp_path / "corpus")).shards):
        folder = tmp_path / str(number)
        folder.mkdir()
        planned.append(PlannedShard(shard, spec(tmp_path), folder, number))
        record = ShardRecord(
            number, number, 0, 1, {"a": 1}, {}, SCHEMAS[1].decode(), "h", {"b": 2}, {"c": number}
        )
        commit_bytes(planned[-1].record_file, sealed_json(record), scratch=True)
    planned[1].record_file.unlink()
    planned[2].record_file.write_bytes(planned[2].record_file.read_bytes().replace(b'"a":1', b'"a":2'))
    found = read_shard_records(planned)
    assert found.keys() == {0, 3}
    assert found[3].carried().names == ["c0", "c1", "c2"] and found[3].id_type() == pa.int64()
