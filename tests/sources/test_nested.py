import pyarrow as pa

from refinery.sources.nested import find_field
from refinery.sources.schema import FROM_JSON
from refinery.storage.marks import is_json_text, json_text

NESTED = pa.struct([("inner", pa.struct([("day", pa.date32())]))])


def test_fields_are_found_by_name_and_path():
    """Whatever a name may mean in JSON Lines is one type or a mixture; in other files the name itself goes first."""
    schema = pa.schema([("a", pa.int8()), ("b", NESTED), ("b.inner", pa.string())])
    found = {
        name: find_field(schema, name) for name in ("a", "b.inner", "b.inner.day", "b.none", "none", "a.x")
    }
    assert {name: field and field.type for name, field in found.items()} == {
        "a": pa.int8(), "b.inner": pa.string(), "b.inner.day": pa.date32(), "b.none": None, "none": None, "a.x": None,
    }  # fmt: skip
    inside = pa.field("a", pa.struct([("x", pa.int64())]))
    lines = pa.schema([inside, ("a.x", pa.float64())], metadata=FROM_JSON)
    assert find_field(lines, "a.x").type == pa.float64()
    assert is_json_text(find_field(pa.schema([inside, ("a.x", pa.string())], metadata=FROM_JSON), "a.x"))
    assert is_json_text(find_field(pa.schema([json_text("a", "it mixes types")], metadata=FROM_JSON), "a.x"))
