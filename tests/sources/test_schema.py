import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.errors import InputError
from refinery.sources.schema import JsonColumns, json_column, notes, unify
from refinery.storage.marks import is_json_text, json_text


def test_columns_are_unified_by_name_in_order_of_appearance():
    """Position in a file does not matter."""
    one = pa.schema([("a", pa.int32()), ("b", pa.string())])
    two = pa.schema([("c", pa.bool_()), ("b", pa.string()), ("a", pa.int64())])
    assert unify([("1", one), ("2", two)]) == pa.schema(
        [("a", pa.int64()), ("b", pa.string()), ("c", pa.bool_())]
    )


def test_a_clash_names_file_column_and_both_types():
    """The 37th of 50 shards is the one that is named."""
    schemas = [
        (f"shard-{n}", pa.schema([("note", pa.binary() if n == 37 else pa.string())])) for n in range(50)
    ]
    expected = "shard-37: column 'note' is binary here but string in shard-0"
    with pytest.raises(InputError, match=expected):
        unify(schemas)


def test_a_json_string_column_and_a_parquet_struct_clash():
    """Only what comes from JSON on both sides becomes JSON text."""
    scanned = JsonColumns()
    scanned.add([{"m": {"a": 1}}, {"m": "s"}])
    with pytest.raises(InputError, match="column 'm'"):
        unify(
            [("a.jsonl", scanned.schema()), ("b.parquet", pa.schema([("m", pa.struct([("a", pa.int64())]))]))]
        )


def test_a_column_of_nulls_takes_the_other_type():
    """Null in one shard, strings in the other, whichever is first."""
    null, text = pa.schema([("a", pa.null())]), pa.schema([("a", pa.string())])
    assert unify([("1", null), ("2", text)]) == unify([("2", text), ("1", null)]) == text


def test_json_text_is_marked_and_noted():
    """The field says why, and so does the note."""
    schema = pa.schema([json_text("m", "it mixes strings and objects"), ("n", pa.int64())])
    assert [is_json_text(field) for field in schema] == [True, False]
    assert notes(schema) == ("column 'm' is carried as JSON text: it mixes strings and objects",)
    assert unify([("1", schema), ("2", schema)]).equals(schema, check_metadata=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def pruned(value):
    """A value without the nulls of missing keys."""
    if isinstance(value, dict):
        return {key: pruned(inner) for key, inner in value.items() if inner is not None}
    return [pruned(inner) for inner in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(
    batches=st.lists(
        st.lists(st.dictionaries(st.sampled_from("xyz"), JSON, max_size=3), max_size=4), max_size=4
    )
)
def test_any_json_is_carried_without_loss(batches):
    """Whatever JSON mixes, over batches and files, a column holds it: as typed values or as JSON text."""
    import orjson

    schemas = []
    for number, rows in enumerate(batches):
        scanned = JsonColumns()
        scanned.add(rows[:2])
        scanned.add(rows[2:])
        schemas.append((str(number), scanned.schema()))
    schema = unify(schemas)
    for rows in batches:
        for field in schema:
            back = json_column([row.get(field.name) for row in rows], field).to_pylist()
            if is_json_text(field):
                back = [None if value is None else orjson.loads(value) for value in back]
            assert [pruned(value) for value in back] == [pruned(row.get(field.name)) for row in rows]


def test_unified_columns_can_be_written(tmp_path):
    """Types that Parquet cannot hold do not leave `unify`."""
    import pyarrow.parquet as pq

    scanned = JsonColumns()
    scanned.add([{"a": [], "b": {}, "c": [{}], "d": None, "e": {"f": None}, "g": 2**64 - 1}])
    schema = unify([("1", scanned.schema())])
    pq.write_table(schema.empty_table(), tmp_path / "a.parquet")
    assert pq.read_schema(tmp_path / "a.parquet").names == list("abcdeg")
