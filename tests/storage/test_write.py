import datetime
import decimal
import hashlib
import itertools
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.storage.marks import json_text
from refinery.storage.write import json_lines, write_table

BATCH = pa.RecordBatch.from_pydict(
    {"id": list(range(1000)), "text": [f"text {n} " * (n % 50) for n in range(1000)]}
)


def test_what_is_written_is_what_was_given(tmp_path):
    """Rows, types and the account of the file: rows, bytes, SHA-256."""
    written = write_table(tmp_path / "a.parquet", [BATCH], BATCH.schema)
    assert pq.read_table(tmp_path / "a.parquet").equals(pa.Table.from_batches([BATCH]))
    content = (tmp_path / "a.parquet").read_bytes()
    assert (written.rows, written.bytes) == (1000, len(content))
    assert written.sha256 == hashlib.sha256(content).hexdigest()


def test_files_are_zstd_with_checksums(tmp_path):
    """Every page is compressed by zstd and has a checksum, so a flipped byte is noticed."""
    write_table(tmp_path / "a.parquet", [BATCH], BATCH.schema)
    assert pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(1).compression == "ZSTD"
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[len(content) // 3] ^= 0xFF
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(OSError, match="CRC checksum"):
        pq.ParquetFile(tmp_path / "a.parquet", page_checksum_verification=True).read()


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 1000), max_size=6))
def test_bytes_do_not_depend_on_the_batches(tmp_path_factory, cuts):
    """The same rows in any batches give the same file."""
    folder = tmp_path_factory.mktemp("write")
    bounds = [0, *sorted(cuts), 1000]
    pieces = [BATCH.slice(a, b - a) for a, b in itertools.pairwise(bounds)]
    for suffix in ("parquet", "jsonl"):
        one = write_table(folder / "1", [BATCH], BATCH.schema, format=suffix, row_group_bytes=20_000)
        many = write_table(folder / "2", pieces, BATCH.schema, format=suffix, row_group_bytes=20_000)
        assert (one.sha256, one.rows) == (many.sha256, many.rows)


def test_row_groups_are_cut_by_bytes(tmp_path):
    """Each holds about what was asked for, whatever the rows are."""
    write_table(tmp_path / "a.parquet", [BATCH], BATCH.schema, row_group_bytes=20_000)
    file = pq.ParquetFile(tmp_path / "a.parquet")
    sizes = [file.read_row_group(g).nbytes for g in range(file.num_row_groups)]
    assert len(sizes) > 5
    assert all(18_000 < size < 24_000 for size in sizes[:-1])


def test_narrow_rows_do_not_make_endless_row_groups(tmp_path):
    """A row group has a million rows at most."""
    batch = pa.RecordBatch.from_pydict({"n": np.arange(2**20 + 10, dtype=np.int8)})
    write_table(tmp_path / "a.parquet", [batch], batch.schema)
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 2


def test_no_rows_make_a_file_with_a_schema(tmp_path):
    """An empty table is a valid file."""
    write_table(tmp_path / "a.parquet", [], BATCH.schema)
    assert pq.read_table(tmp_path / "a.parquet").schema == BATCH.schema
    assert write_table(tmp_path / "a.jsonl.zst", [], BATCH.schema, format="jsonl").rows == 0


def test_an_error_among_the_rows_leaves_nothing(tmp_path):
    """The error passes, and no file is there."""

    def rows():
        yield BATCH
        raise ZeroDivisionError

    for suffix in ("parquet", "jsonl"):
        with pytest.raises(ZeroDivisionError):
            write_table(tmp_path / "a", rows(), BATCH.schema, format=suffix)
    assert list(tmp_path.iterdir()) == []


def test_json_lines_hold_every_type():
    """Nested values stay nested, JSON text is put in as JSON, bytes are base64, times ISO 8601, decimals digits."""
    fields = [
        pa.field("s", pa.string()),
        pa.field("l", pa.list_(pa.struct([("a", pa.int64())]))),
        json_text("j", "it mixes types"),
        pa.field("b", pa.binary()),
        pa.field("t", pa.timestamp("us", "UTC")),
        pa.field("d", pa.decimal128(5, 2)),
        pa.field("m", pa.map_(pa.string(), pa.int64())),
    ]
    when = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    row = {
        "s": "é\n中", "l": [{"a": 1}], "j": '{"x":[1,"2"]}', "b": b"\xff\x00",
        "t": when, "d": decimal.Decimal("1.50"), "m": [("k", 1)],
    }  # fmt: skip
    batch = pa.RecordBatch.from_pylist([row, dict.fromkeys(row)], schema=pa.schema(fields))
    first, second = json_lines(batch).splitlines()
    assert json.loads(first) == {
        "s": "é\n中", "l": [{"a": 1}], "j": {"x": [1, "2"]}, "b": "/wA=",
        "t": "2024-01-02T03:04:05+00:00", "d": "1.50", "m": [["k", 1]],
    }  # fmt: skip
    assert json.loads(second) == dict.fromkeys(row)


def test_jsonl_is_one_zstd_stream_of_lines(tmp_path):
    """Any zstd tool reads it."""
    write_table(
        tmp_path / "a.jsonl.zst", [BATCH.slice(0, 2), BATCH.slice(2, 1)], BATCH.schema, format="jsonl"
    )
    content = zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "a.jsonl.zst").read_bytes())
    assert [json.loads(line)["id"] for line in content.splitlines()] == [0, 1, 2]
