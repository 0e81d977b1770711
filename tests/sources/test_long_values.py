"""Values of Parquet that are longer than a document may be: Arrow never meets them."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.sources import long_values
from refinery.sources.long_values import marked_length, shortened
from tests.sources.reading import read_all, spec

LONG = "".join(random.Random(1).choices("abcdef é", k=300_000))
LIMIT = 100_000


def read(path, columns=("text",), limit=LIMIT, **options):
    """Its columns through the file without long values."""
    with path.open("rb") as source:
        metadata = pq.read_metadata(path)
        file = shortened(source, metadata, columns, limit, large=limit)
        options = {"pre_buffer": False, "buffer_size": 2**16, "page_checksum_verification": True, **options}
        parts = pq.ParquetFile(file, metadata=metadata, **options).iter_batches(100, use_threads=False)
        return pa.Table.from_batches(parts)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_mark_stands_for_a_long_value_and_all_others_are_as_they_were(tmp_path, codec, version, dictionary):
    """With NULLs, in several row groups and in any page; other columns are not looked into."""
    texts = [None if i % 7 == 3 else LONG if i in {5, 1500} else f"text {i} " * 3 for i in range(2000)]
    table = pa.table({"text": texts, "other": texts})
    file = tmp_path / "a.parquet"
    options = {"compression": codec, "data_page_version": version, "use_dictionary": dictionary}
    pq.write_table(table, file, row_group_size=1600, write_page_checksum=True, **options)
    found = read(file)
    assert found["other"].to_pylist() == texts
    values = found["text"].cast(pa.binary()).to_pylist()
    size = len(LONG.encode())
    assert [row for row, value in enumerate(values) if value and marked_length(value) == size] == [5, 1500]
    assert max(len(value) for value in values if value) < LIMIT
    short = [None if value is None or marked_length(value) else value.decode() for value in values]
    assert short == [None if text == LONG else text for text in texts]


def test_elements_of_lists_and_fields_of_objects_are_looked_into(tmp_path):
    """By the path of the text, whatever lies above and below."""
    rows = [{"body": ["a", LONG], "note": LONG}, {"body": [], "note": "b"}, {"body": None, "note": "c"}]
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"doc": rows}), file, use_dictionary=False)
    body = pa.struct([("body", pa.list_(pa.binary())), ("note", pa.binary())])
    found = read(file, ["doc.body"])["doc"].combine_chunks().cast(body).to_pylist()
    assert [found[0]["body"][0], marked_length(found[0]["body"][1])] == [b"a", len(LONG.encode())]
    assert [row["note"] for row in found] == [row["note"].encode() for row in rows]


@pytest.mark.parametrize("options", [{"compression": "lz4"}, {"column_encoding": "DELTA_BYTE_ARRAY"}])
def test_what_cannot_be_read_as_a_stream_stays(tmp_path, options):
    """Other codecs and encodings, and pages whose values are all short enough."""
    table = pa.table({"text": ["a", LONG]})
    file = tmp_path / "a.parquet"
    pq.write_table(table, file, use_dictionary=False, **options)
    assert read(file).equals(table)
    pq.write_table(pa.table({"text": ["a" * 1000] * 1000}), file, use_dictionary=False)
    assert read(file)["text"].to_pylist() == ["a" * 1000] * 1000


def test_a_damaged_page_is_as_damaged_as_before(tmp_path):
    """What is no header any more goes to Arrow as it is."""
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", LONG]}), file, use_dictionary=False)
    content = bytearray(file.read_bytes())
    content[4:40] = b"\xff" * 36
    file.write_bytes(content)
    with pytest.raises((pa.ArrowException, OSError)):
        read(file)


def test_rows_are_rejected_as_those_that_are_decoded(tmp_path, monkeypatch):
    """By reason, with the length, of several columns too, without Arrow's memory for it; others are documents."""
    monkeypatch.setattr(long_values, "LARGE_PAGE", 2**20)
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    file, size = tmp_path / "a.parquet", 30_000_000
    pq.write_table(pa.table({"title": ["t"] * 9, "text": [*"abcdefg", "a" * size, "i"]}), file)
    both = spec(file, text=("title", "text"), max_document_bytes=10**7)
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        found = read_all(both)
    finally:
        pa.set_memory_pool(before)
    (reject,) = found.rejects
    assert (reject.row, reject.reason) == (7, "oversize_row")
    assert reject.detail == f"{size} bytes of text; the limit is 10000000"
    assert found.texts == [f"t\n\n{letter}" for letter in "abcdefgi"]
    assert 0 < pool.max_memory() < size
    assert read_all(both, wanted=[6, 8]).texts == ["t\n\ng", "t\n\ni"]
