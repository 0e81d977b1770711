"""Every bit of refinery's own files is under a checksum."""

import random

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.storage.seal import read_sealed_json, sealed_json
from refinery.storage.tables import open_table, read_json, read_schema, read_table, row_count
from refinery.storage.write import TableWriter

TABLE = pa.table({"number": list(range(300)), "word": [f"word {n % 7}" for n in range(300)]})


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "table.parquet"
    with TableWriter(path, TABLE.schema) as writer:
        writer.write(TABLE)
    return path


def test_a_sealed_file_is_plain_parquet(file):
    """Readers that know nothing of the checksum read the same rows."""
    assert read_table(file) == pq.read_table(file) == TABLE
    assert pl.read_parquet(file)["number"].sum() == sum(range(300))
    assert read_schema(file) == TABLE.schema
    assert row_count(file) == 300
    with open_table(file) as opened:
        assert opened.read() == TABLE


def test_no_flipped_bit_and_no_cut_is_read(file):
    """Every truncation and 2,000 flips, in pages, page headers, the checksum itself and the footer."""
    content = file.read_bytes()
    chosen = random.Random(1)
    damaged = [content[:size] for size in range(len(content))]
    for _ in range(2000):
        flipped = bytearray(content)
        flipped[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        damaged.append(bytes(flipped))
    for number, one in enumerate(damaged):
        file.write_bytes(one)
        with pytest.raises(DamagedFile, match=r"table\.parquet: damaged: "):
            (read_table, row_count, read_schema)[number % 3](file)


def test_a_column_or_a_file_that_is_not_there(file):
    """Both are damage: the run makes the file again."""
    with pytest.raises(DamagedFile, match="it has no column 'letter'"):
        read_table(file, ["number", "letter"])
    file.unlink()
    for read in (read_table, row_count, read_schema, read_json):
        with pytest.raises(DamagedFile, match="it is gone"):
            read(file)


@given(st.recursive(st.none() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
       | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)), st.data())  # fmt: skip
def test_sealed_json_comes_back_or_is_refused(content, data):
    """Whatever is sealed is read back equal; with one bit flipped it is the same content or refused."""
    sealed = sealed_json(content)
    assert read_sealed_json(sealed) == content
    flipped = bytearray(sealed)
    flipped[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read_sealed_json(bytes(flipped))
    except ValueError:
        return
    assert found == content  # a digit past what a float holds, say
