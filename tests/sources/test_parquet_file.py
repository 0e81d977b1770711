"""Parquet files that are compressed as a whole, or encrypted, in part or whole."""

import bz2
import gzip
import lzma

import lz4.frame
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyarrow.parquet import encryption

from refinery.errors import InputError
from refinery.sources.parquet_file import opened
from refinery.sources.shards import list_shards
from tests.sources.reading import read_all, spec

COMPRESSORS = {"gz": gzip, "zst": zstandard, "bz2": bz2, "xz": lzma, "lz4": lz4.frame}
ROWS = {"id": ["a", "b"], "text": ["one", "two"], "patient": ["x", "y"], "who": [{"n": 1, "m": 2}] * 2}


class Keys(encryption.KmsClient):
    """Keys in the open."""

    def wrap_key(self, key_bytes, master_key_identifier):
        return key_bytes

    def unwrap_key(self, wrapped_key, master_key_identifier):
        return wrapped_key


def encrypted(path, plain_footer=True, **settings):
    """Writes ROWS with some columns encrypted."""
    settings = encryption.EncryptionConfiguration(footer_key="f", plaintext_footer=plain_footer, **settings)
    factory = encryption.CryptoFactory(lambda _: Keys())
    properties = factory.file_encryption_properties(encryption.KmsConnectionConfig(), settings)
    table = pa.table(ROWS)
    with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_a_compressed_file_is_read(tmp_path, ending):
    """By its content, whatever compressed it; it is one shard, since a part of it could not be read alone."""
    table = pa.table({"id": list(range(3000)), "text": [f"text {n}" for n in range(3000)], "x": [1] * 3000})
    pq.write_table(table, tmp_path / "a", row_group_size=1000)
    data = (tmp_path / "a").read_bytes()
    (tmp_path / "a").unlink()
    (tmp_path / f"a.parquet.{ending}").write_bytes(COMPRESSORS[ending].compress(data))
    assert len(list_shards(spec(tmp_path), shard_bytes=1000).shards) == 1
    found = read_all(spec(tmp_path), carry=True, shard_bytes=1000)
    assert (found.ids, found.columns[0]) == (list(range(3000)), {"x": 1})
    assert read_all(spec(tmp_path), wanted=[7, 2999]).texts == ["text 7", "text 2999"]


def test_a_compressed_file_under_any_name_is_read(tmp_path):
    """The format is told below the compression."""
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "a")
    (tmp_path / "part-0.gz").write_bytes(gzip.compress((tmp_path / "a").read_bytes()))
    (tmp_path / "a").unlink()
    assert read_all(spec(tmp_path)).texts == ["x"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (gzip.compress(b"PAR1" + bytes(1000))[:-4], "ends early"),
        (gzip.compress(bytes(1000)), "not a Parquet file"),
        (gzip.compress(b"PAR1" + bytes(1000)), "not a Parquet file"),
    ],
)
def test_a_compressed_file_that_is_damaged_or_another_is_told(tmp_path, data, problem):
    """What is not Parquet is not unpacked to the disk."""
    (tmp_path / "a.parquet.gz").write_bytes(data)
    with pytest.raises(InputError, match=problem):
        list_shards(spec(tmp_path))


@pytest.mark.parametrize("column", ["patient", "who"])
def test_other_columns_of_a_file_with_an_encrypted_one_are_read(tmp_path, column):
    """The usual way to protect a column: the footer is plain. The process goes on, the column is left out."""
    key = "who.n" if column == "who" else column
    encrypted(tmp_path / "a.parquet", column_keys={"c": [key]})
    found = read_all(spec(tmp_path), carry=True)
    assert (found.ids, found.texts) == (["a", "b"], ["one", "two"])
    assert set(found.columns[0]) == {"patient", "who"} - {column}


@pytest.mark.parametrize("column", ["text", "id"])
def test_an_encrypted_text_or_id_is_told(tmp_path, column):
    """By name, and what to do."""
    encrypted(tmp_path / "a.parquet", column_keys={"c": [column]})
    with pytest.raises(InputError, match=f"column '{column}' is encrypted.*decrypt"):
        list_shards(spec(tmp_path))


@pytest.mark.parametrize("plain_footer", [True, False])
def test_a_file_that_is_encrypted_as_a_whole_is_told(tmp_path, plain_footer):
    """With one key for all; a plain footer shows the columns, an encrypted one not even those."""
    encrypted(tmp_path / "a.parquet", plain_footer, uniform_encryption=True)
    with pytest.raises(InputError, match="encrypted"):
        list_shards(spec(tmp_path))


def test_a_whole_file_whose_footer_is_refused_is_not_called_cut_off(tmp_path):
    """To download it again would not help."""
    pq.write_table(pa.table({"text": ["x"]}), tmp_path / "a.parquet")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    data[footer : footer + 32] = b"\xff" * 32
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(InputError, match=r"footer cannot be read.*write it again"):
        list_shards(spec(tmp_path))


def test_a_column_is_read_as_a_dictionary_where_its_values_could_be_a_surprise(tmp_path):
    """One that cannot decode to much is read as it is, which is faster; documents are the same."""
    for rows, expected in ((3, pa.string()), (3000, pa.dictionary(pa.int32(), pa.string()))):
        file = tmp_path / f"{rows}.parquet"
        pq.write_table(pa.table({"text": ["a text " * 200] * rows}), file)
        (shard,) = list_shards(spec(file)).shards
        with opened(shard, spec(file), rows=True) as (parquet, *_):
            assert parquet.schema_arrow.field("text").type == expected
        assert read_all(spec(file)).texts == ["a text " * 200] * rows
