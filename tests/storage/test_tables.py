"""Reading back refinery's own Parquet files."""

import errno

import pyarrow as pa
import pytest

from refinery.errors import DamagedFile
from refinery.storage.commit import commit_bytes
from refinery.storage.place import read_file
from refinery.storage.tables import open_table, read_schema, read_table, row_count, verify_table
from refinery.storage.write import write_table

TABLE = pa.table({"n": pa.array(range(3), pa.int64()), "text": ["a", "b", "c"]})


@pytest.fixture
def file(folder):
    """A table."""
    write_table(folder / "a.parquet", TABLE.to_batches(), TABLE.schema)
    return folder / "a.parquet"


def opened(place):
    """Read by its batches."""
    with open_table(place) as table:
        return pa.Table.from_batches(table.iter_batches())


def test_what_was_written_is_read(file):
    """Whole, by columns, by batches; the schema and the rows alone."""
    assert read_table(file).equals(TABLE)
    assert opened(file).equals(TABLE)
    assert read_table(file, ["text"]).column_names == ["text"]
    assert read_schema(file).equals(TABLE.schema)
    assert row_count(file) == 3


READERS = [read_table, read_schema, row_count, verify_table]


@pytest.mark.parametrize("read", [*READERS, opened])
def test_a_file_that_is_gone_is_damage(read, folder):
    """It can be made again."""
    with pytest.raises(DamagedFile, match=r"none: damaged: it is gone"):
        read(folder / "none")


@pytest.mark.parametrize(
    ("read", "position"),
    [(read, position) for read in (read_table, opened, verify_table) for position in (10, 100)]
    + [(read, position) for read in (*READERS, opened) for position in (-12, -1)],
)
def test_a_byte_that_changed_is_damage(read, position, file):
    """Of rows for who reads rows, of the footer for every reader; before any of it is believed."""
    content = bytearray(read_file(file))
    content[position] ^= 1
    commit_bytes(file, bytes(content))
    with pytest.raises(DamagedFile, match=r"a\.parquet: damaged: "):
        read(file)


@pytest.mark.parametrize("read", [*READERS, opened])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"x" * 100])
def test_what_is_no_file_of_ours_is_damage(read, content, folder):
    """Empty, cut off or something else."""
    commit_bytes(folder / "b", content)
    with pytest.raises(DamagedFile, match="damaged: "):
        read(folder / "b")


def test_a_column_that_is_missing_is_damage(file):
    """A file of an earlier version."""
    with pytest.raises(DamagedFile, match="it has no column 'other'"):
        read_table(file, ["n", "other"])


def test_an_error_of_the_disk_is_not_damage(tmp_path):
    """A folder in the file's place: nothing that could be made again by removing it."""
    (tmp_path / "a.parquet").mkdir()
    with pytest.raises(OSError) as error:
        read_table(tmp_path / "a.parquet")
    assert error.value.errno == errno.EISDIR
