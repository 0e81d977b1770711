import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from refinery.storage.marks import DATA, is_json_text, json_text


def test_the_mark_of_json_text_outlives_a_file(tmp_path):
    """A field of JSON is known again in what a reader gives; another string column is none."""
    schema = pa.schema([json_text("m", "it mixes types"), ("text", pa.large_string())])
    pq.write_table(schema.empty_table(), tmp_path / "a.parquet")
    found = pq.read_schema(tmp_path / "a.parquet")
    assert [is_json_text(field) for field in found] == [True, False]
    assert found.field("m").metadata[b"refinery.json"] == b"it mixes types"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("data-00000.parquet", True),
        ("data-123456.jsonl.zst", True),
        ("decisions-00000.parquet", False),
        ("data-0.parquet.tmp", False),
        ("my-data-00000.parquet", False),
    ],
)
def test_files_of_documents_are_known_by_name(name, data):
    """Those of an output, and no other of its files."""
    assert bool(DATA.fullmatch(name)) == data
