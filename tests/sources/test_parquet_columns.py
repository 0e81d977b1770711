import pyarrow as pa
import pytest

from refinery.errors import InputError
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.parquet_columns import ParquetColumns, locate

SCHEMA = pa.schema(
    [
        ("id", pa.int32()),
        ("text", pa.string()),
        ("doc", pa.struct([("text", pa.string()), ("url", pa.string())])),
        ("doc.text", pa.dictionary(pa.int8(), pa.string())),
        ("raw", pa.binary()),
    ]
)


def located(made: tuple[str, ...] = (), schema: pa.Schema = SCHEMA, **options: object) -> ParquetColumns:
    shard = Shard("s", "/a.parquet", "a.parquet", "parquet", 0, -1, 0, None, 1, "", made=made)
    return locate(schema, SourceSpec("s", ("/a.parquet",), **options), shard)  # type: ignore[arg-type]


def test_text_and_id_are_not_carried_and_only_what_is_asked_for_is_read():
    """Types lose encodings that say nothing about values; columns of an earlier run are left out."""
    found = located(made=("raw",))
    assert (found.text, found.id) == ((("text",),), ("id",))
    assert found.carried.names == ["doc", "doc.text"]
    assert found.carried.field("doc.text").type == pa.string()
    assert found.to_read(None) == ["text", "id"]
    assert found.to_read(pa.schema([("doc", SCHEMA.field("doc").type), ("other", pa.int8())])) == [
        "text", "id", "doc",
    ]  # fmt: skip


def test_a_dotted_name_is_a_column_of_that_name_or_lies_in_another():
    """The former goes first; of a struct that holds the text the rest is carried."""
    assert located(text="doc.text").text == (("doc.text",),)
    found = located(text="doc.text", schema=SCHEMA.remove(3))
    assert found.text == (("doc", "text"),)
    assert found.carried.field("doc").type == pa.struct([("url", pa.string())])
    assert found.to_read(found.carried) == ["doc.text", "id", "text", "doc.url", "raw"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"text": "body"}, "no text column 'body'"),
        ({"text": "doc.body"}, "no text column 'doc.body'"),
        ({"id": "uid"}, "no id column 'uid'"),
        ({"text": "raw"}, "column 'raw' is binary, expected string .*binary_text"),
        ({"text": "id"}, "column 'id' is int32, expected string"),
    ],
)
def test_what_is_not_there_is_an_error_with_what_there_is(options, problem):
    """By name and type."""
    with pytest.raises(InputError, match=problem):
        located(**options)


def test_two_columns_of_one_name_are_an_error():
    """No reader could tell which is meant."""
    with pytest.raises(InputError, match="two columns are called 'text'"):
        located(schema=SCHEMA.append(SCHEMA.field("text")))
