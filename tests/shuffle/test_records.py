import pickle
import random

import fsspec
import numpy as np
import pyarrow as pa
import pytest

from refinery.errors import DamagedFile, OutputError
from refinery.shuffle.partition import partition_of
from refinery.shuffle.records import Records, Tables
from refinery.storage.commit import commit_bytes
from refinery.storage.place import files_below, place_of, read_file, remove_file

RECORD = np.dtype([("high", np.uint64), ("document", np.int64)])
NUMBER = np.dtype(np.int64)


@pytest.fixture(params=["disk", "store"])
def folder(request, tmp_path):
    """A folder on disk, and one of fsspec's store in memory, which has the interface of an object store."""
    if request.param == "disk":
        yield tmp_path / "records"
        return
    memory = fsspec.filesystem("memory")
    memory.rm("/shuffle", recursive=True) if memory.exists("/shuffle") else None
    yield place_of("memory://shuffle/records")
    memory.rm("/shuffle", recursive=True) if memory.exists("/shuffle") else None


@pytest.mark.parametrize("partitions", [1, 7, 1000])
def test_every_record_is_read_once_from_its_partition(folder, partitions):
    """Records of several writers, each in several blocks, come back by partition, these in order of the hash."""
    generator = np.random.default_rng(1)
    records = np.empty(1000, RECORD)
    records["high"] = generator.integers(0, 2**64, 1000, dtype=np.uint64)
    records["document"] = np.arange(1000)
    made = Records.create(folder, RECORD, partitions=partitions, writers=3, block_bytes=2000)
    for number, own in enumerate((records[:700], records[700:], records[:0])):
        with made.writer(number) as writer:
            for start in range(0, len(own), 90):
                block = own[start : start + 90]
                writer.write(block, partition_of(block["high"], partitions))
        assert writer.written == len(own)
        assert sorted(made.read_written(number).tolist()) == sorted(own.tolist())
    found = [made.read(number) for number in range(partitions)]
    assert sorted(np.concatenate(found).tolist()) == sorted(records.tolist())
    assert [made.count(number) for number in range(partitions)] == [len(part) for part in found]
    highest = [part["high"].max() for part in found if len(part)]
    lowest = [part["high"].min() for part in found if len(part)]
    assert all(high < low for high, low in zip(highest, lowest[1:], strict=False))
    assert len(files_below(folder)) == 3


def test_a_partition_keeps_the_order_of_its_records(tmp_path):
    """What is written first is read first, so a file's bytes depend on nothing but its records."""
    made = Records.create(tmp_path / "a", NUMBER, partitions=3)
    made.write(0, np.arange(100), np.arange(100) % 3)
    assert made.read(1).tolist() == list(range(1, 100, 3))


def test_a_partition_is_read_in_blocks_of_chosen_writers(tmp_path):
    """Every record once, in order, a writer's block at a time; writers are read in the order named."""
    made = Records.create(tmp_path / "a", NUMBER, writers=3, block_bytes=56)
    for number in range(3):
        with made.writer(number) as writer:
            for start in range(0, 20, 7):
                writer.write(np.arange(start, min(start + 7, 20)) + 100 * number)
    blocks = [block.tolist() for block in made.each(writers=[2, 0])]
    assert [len(block) for block in blocks] == [7, 7, 6] * 2
    assert [n for block in blocks for n in block] == [*range(200, 220), *range(20)]
    assert made.count(writers=[2, 0]) == 40
    assert len(made.read()) == 60


def test_a_handle_is_small_and_finds_the_same_in_another_process(folder):
    """What units are given is a few hundred bytes, and equal after it was sent."""
    made = Records.create(folder, RECORD, partitions=10**5, writers=10**5)
    assert len(pickle.dumps(made)) < 1000
    assert pickle.loads(pickle.dumps(made)) == made


def test_files_last_as_long_as_the_block(folder):
    """Making a handle empties the folder, leaving the block removes it."""
    Records.create(folder, NUMBER).write(0, np.arange(3))
    with Records.create(folder, NUMBER) as made:
        assert files_below(folder) == {}
        made.write(0, np.arange(3))
        assert len(files_below(folder)) == 1
    assert files_below(folder) == {}


def test_other_records_are_refused(tmp_path):
    """Records of another dtype would be read as nonsense; rows of another schema, too."""
    records = Records.create(tmp_path / "a", RECORD)
    with pytest.raises(TypeError, match=r"a: rows are int64, not .*high"):
        records.write(0, np.arange(3))
    tables = Tables.create(tmp_path / "b", pa.schema([("n", pa.int64())]))
    with pytest.raises(TypeError, match="m: int64"):
        tables.write(0, pa.table({"m": [1]}))
    assert files_below(tmp_path) == {}


def test_a_failed_writer_leaves_what_was_there(tmp_path):
    """An error in between replaces nothing and leaves no temporary file."""
    made = Records.create(tmp_path / "a", NUMBER, block_bytes=1)
    made.write(0, np.arange(3))
    with pytest.raises(ZeroDivisionError), made.writer(0) as writer:
        writer.write(np.arange(9))
        raise ZeroDivisionError
    assert made.read().tolist() == [0, 1, 2]
    assert len(list((tmp_path / "a").iterdir())) == 1


def test_a_folder_that_is_gone_is_an_output_error(tmp_path):
    """The message names the folder."""
    made = Records.create(tmp_path / "gone", NUMBER)
    made.remove()
    with pytest.raises(OutputError, match=r"gone: the folder does not exist"):
        made.write(0, np.arange(3))


def test_what_is_gone_or_cut_off_is_told(folder, monkeypatch):
    """Records that are missing are an error that names the file, never fewer records."""
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)  # waits between attempts
    made = Records.create(folder, NUMBER, partitions=4, writers=2)
    for number in range(2):
        made.write(number, np.arange(1000), np.arange(1000) % 4)
    with pytest.raises(DamagedFile, match=r"000000\.records.*where 5 partitions lie"):
        Records(folder, NUMBER, 5, 2).read()
    file = made.place(0)
    for size in (100, 5000, 8100):
        commit_bytes(file, read_file(file)[:size])
        with pytest.raises(DamagedFile, match=rf"000000\.records.*{size} of \d+ bytes"):
            made.read(3)
        made.write(0, np.arange(1000), np.arange(1000) % 4)
    remove_file(file)
    for read in (lambda: made.read(2), lambda: made.read_written(0)):
        with pytest.raises(DamagedFile, match=r"000000\.records.*gone"):
            read()


def test_tables_come_back_by_partition(folder):
    """Rows with strings, NULLs and nested values, in order within a partition; an empty partition has the schema."""
    chosen = random.Random(1)
    rows = [
        {"n": n, "text": chosen.choice([None, "", "é" * n]), "list": [{"a": n}] * (n % 3)} for n in range(100)
    ]
    schema = pa.schema(
        [("n", pa.int64()), ("text", pa.large_string()), ("list", pa.list_(pa.struct([("a", pa.int32())])))]
    )
    made = Tables.create(folder, schema, partitions=4, writers=2, block_bytes=300)
    for number, own in enumerate((rows[:60], rows[60:])):
        with made.writer(number) as writer:
            for start in range(0, len(own), 7):
                table = pa.Table.from_pylist(own[start : start + 7], schema)
                writer.write(table, table.column("n").to_numpy() % 3)
    for partition in range(4):
        found = made.read(partition)
        assert found.schema == schema
        assert found.to_pylist() == [row for row in rows if row["n"] % 3 == partition]
    assert len(list(made.each(0))) > 2


def test_a_damaged_table_is_told(tmp_path):
    """Its bytes are verified before Arrow sees them."""
    made = Tables.create(tmp_path / "a", pa.schema([("n", pa.int64())]))
    made.write(0, pa.table({"n": range(100)}))
    content = bytearray(made.place(0).read_bytes())
    content[len(content) // 2] ^= 1
    made.place(0).write_bytes(content)
    with pytest.raises(DamagedFile, match="checksum"):
        made.read()
