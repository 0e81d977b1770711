"""Every bit of refinery's own files is under a checksum."""

import io
import random
from contextlib import suppress

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import DamagedFile
from refinery.storage.commit import commit_bytes
from refinery.storage.place import read_file, remove_file
from refinery.storage.sealed import BLOCK, SealedFile, VerifiedFile, read_sealed_json, sealed_json
from refinery.storage.tables import open_table, read_schema, read_table, row_count
from refinery.storage.write import TableWriter, write_table

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
    """Every third truncation and 700 flips, in pages, page headers, the checksum itself and the footer."""
    content = read_file(file)
    chosen = random.Random(1)
    damaged = [content[:size] for size in range(0, len(content), 3)]
    for _ in range(700):
        flipped = bytearray(content)
        flipped[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        damaged.append(bytes(flipped))
    for one in damaged:
        commit_bytes(file, one, scratch=True)
        with pytest.raises(DamagedFile, match=r"table\.parquet: damaged: "):
            read_table(file)
        for read, expected in ((row_count, 300), (read_schema, TABLE.schema)):
            with suppress(DamagedFile):
                assert read(file) == expected


@pytest.mark.parametrize("columns", [["number"], ["word"], ["number", "word"]])
def test_no_flipped_bit_is_read_by_columns_and_groups(tmp_path, columns):
    """Every 13th bit of a file: its rows are read as they were or it is damaged, and nothing else happens."""
    file = tmp_path / "table.parquet"
    small = TABLE.slice(0, 60)
    write_table(file, small.to_batches(), TABLE.schema, row_group_bytes=small.nbytes * 2 // 3)
    assert pq.read_metadata(file).num_row_groups == 2
    content = read_file(file)
    expected = small.select(columns)
    refused = 0
    for bit in range(0, 8 * len(content), 13):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        commit_bytes(file, flipped, scratch=True)
        try:
            with open_table(file) as opened:
                batches = list(opened.iter_batches(7, columns=columns, use_threads=False))
        except DamagedFile:
            refused += 1
        else:
            assert pa.Table.from_batches(batches) == expected
    assert refused > len(content) * 5 // 13


def test_flipped_bits_of_many_blocks(folder):
    """Of a table of several blocks, read by columns: chunk by chunk on disk, all at once from a store."""
    file = folder / "table.parquet"
    chosen = random.Random(1)
    table = pa.table({name: [chosen.random() for _ in range(20_000)] for name in ("a", "b")})
    write_table(file, table.to_batches(), table.schema, row_group_bytes=10_000 * 2 * 8)
    content = read_file(file)
    assert len(content) > 3 * BLOCK
    refused = 0
    for _ in range(150):
        flipped = bytearray(content)
        flipped[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        commit_bytes(file, bytes(flipped), scratch=True)
        try:
            with open_table(file) as opened:
                found = opened.read(["a"], use_threads=False)
        except DamagedFile:
            refused += 1
        else:
            assert found == table.select(["a"])
    assert 50 < refused < 150  # a flip in a block of the other column alone is not met


SIZES = st.one_of(
    st.integers(4, 3 * BLOCK), st.sampled_from([BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK])
)


@settings(deadline=None)
@given(SIZES, st.sampled_from([0, 100, BLOCK + 100]), st.integers(1000, 2 * BLOCK), st.data())
def test_a_part_is_verified_without_the_rest(size, footer_size, step, data):
    """Written in any steps, any part is read as it was; with a flipped bit, only parts without it."""
    chosen = random.Random(size)
    content = chosen.randbytes(size)
    footer = chosen.randbytes(footer_size) + footer_size.to_bytes(4, "little") + b"PAR1"
    written = Written()
    sealed = SealedFile(written)
    for at in range(0, size, step):
        sealed.write(content[at : at + step])
    sealed.begin_footer()
    assert sealed.tell() == size
    sealed.write(footer)
    sealed.finish()
    whole = bytes(written.content)
    assert whole.startswith(content)
    assert whole.endswith(footer)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole) + 10))
    assert part(whole, start, stop) == whole[start:stop]
    flipped = bytearray(whole)
    place = data.draw(st.integers(0, size - 1))
    flipped[place] ^= 1
    if start < min(stop, size) and start // BLOCK <= place // BLOCK <= (min(stop, size) - 1) // BLOCK:
        with pytest.raises(ValueError, match="its checksum is wrong"):
            part(flipped, start, stop)
    else:
        assert part(flipped, start, stop) == whole[start:stop]


class Written:
    """What a sealed file passes on."""

    def __init__(self):
        self.content = bytearray()

    @property
    def size(self):
        return len(self.content)

    def write(self, data):
        self.content += data
        return len(data)


def part(content, start, stop):
    file = VerifiedFile(io.BytesIO(content))
    file.seek(start)
    return file.read(stop - start)


def test_a_column_or_a_file_that_is_not_there(file):
    """Both are damage: the run makes the file again."""
    with pytest.raises(DamagedFile, match="it has no column 'letter'"):
        read_table(file, ["number", "letter"])
    remove_file(file)
    for read in (read_table, row_count, read_schema):
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
