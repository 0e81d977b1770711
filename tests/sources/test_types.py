import pyarrow as pa
import pytest

from refinery.sources.types import fields_in, is_bytes, is_text, levels, merge, plain, storage, type_name

INT, TEXT = pa.int64(), pa.string()


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (pa.int8(), pa.int32(), pa.int32()),
        (pa.uint8(), pa.int8(), pa.int16()),
        (pa.uint32(), pa.int8(), pa.int64()),
        (pa.uint64(), pa.int64(), None),
        (pa.int64(), pa.float32(), pa.float64()),
        (pa.string(), pa.large_string(), pa.large_string()),
        (pa.string(), pa.binary(), None),
        (pa.string(), pa.int64(), None),
        (pa.bool_(), pa.int64(), None),
        (pa.null(), pa.list_(pa.int8()), pa.list_(pa.int8())),
        (pa.list_(pa.null()), pa.list_(TEXT), pa.list_(TEXT)),
        (pa.list_(TEXT), TEXT, None),
        (pa.list_(pa.int8()), pa.large_list(pa.int16()), pa.large_list(pa.int16())),
        (
            pa.struct([("a", INT)]),
            pa.struct([("b", TEXT), ("a", pa.null())]),
            pa.struct([("a", INT), ("b", TEXT)]),
        ),
        (pa.struct([("a", INT)]), pa.struct([("a", TEXT)]), None),
        (pa.map_(TEXT, pa.int8()), pa.map_(TEXT, INT), pa.map_(TEXT, INT)),
        (pa.timestamp("s"), pa.timestamp("us"), pa.timestamp("us")),
        (pa.timestamp("s"), pa.timestamp("s", "UTC"), None),
        (pa.decimal128(5, 2), pa.decimal128(7, 3), pa.decimal128(7, 3)),
        (pa.date32(), TEXT, None),
    ],
)
def test_the_narrowest_type_for_both(one, other, merged):
    """The same whichever comes first, and None where no type holds the values of both."""
    assert merge(one, other) == merged
    swapped = merge(other, one)
    assert (swapped is None) == (merged is None)
    assert swapped is None or {f.name for f in pa.schema([("x", swapped)])} == {"x"}


def test_extension_types_meet_their_storage():
    """Arrow's JSON beside strings, UUIDs beside 16 bytes, at any depth; alone they stay what they are."""
    assert merge(pa.json_(), pa.json_()) == pa.json_()
    assert merge(pa.json_(), pa.string()) == merge(pa.string(), pa.json_()) == TEXT
    assert merge(pa.uuid(), pa.binary(16)) == pa.binary(16)
    assert merge(pa.null(), pa.uuid()) == pa.uuid()
    assert merge(pa.uuid(), pa.int64()) is None
    nested = merge(pa.struct([("a", pa.uuid())]), pa.struct([("a", pa.binary(16))]))
    assert nested == pa.struct([("a", pa.binary(16))])
    assert (storage(pa.uuid()), storage(pa.int8())) == (pa.binary(16), pa.int8())


def test_plain_types_have_no_encodings():
    """Dictionaries and views say nothing about values, at any depth."""
    kind = pa.struct([("a", pa.list_(pa.dictionary(pa.int8(), pa.string_view()))), ("b", pa.binary_view())])
    assert plain(kind) == pa.struct([("a", pa.list_(TEXT)), ("b", pa.binary())])
    assert plain(pa.map_(TEXT, pa.dictionary(pa.int8(), TEXT))) == pa.map_(TEXT, TEXT)
    assert plain(pa.list_(pa.string_view(), 2)) == pa.list_(TEXT, 2)


def test_fields_are_counted_at_every_depth():
    """(fields, empty structs)."""
    assert fields_in(INT) == (0, 0)
    assert fields_in(pa.struct([("a", INT), ("b", pa.struct([]))])) == (2, 1)
    assert fields_in(pa.list_(pa.struct([("a", INT)]))) == (2, 0)


def test_levels_are_counted_at_any_depth():
    """The deepest branch counts; thousands of levels are no trouble."""
    assert levels(INT) == 0
    assert levels(pa.struct([("a", INT), ("b", pa.list_(pa.struct([("c", TEXT)])))])) == 3
    deep = INT
    for _ in range(2000):
        deep = pa.list_(deep)
    assert levels(deep) == 2000


def test_kinds():
    """Large and small are one kind."""
    assert is_text(pa.large_string())
    assert is_bytes(pa.large_binary())
    assert not is_text(pa.binary())


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (pa.large_string(), "string"),
        (pa.int16(), "int"),
        (pa.uint64(), "float"),
        (pa.decimal128(9, 2), "float"),
        (pa.bool_(), "bool"),
        (pa.date64(), "date"),
        (pa.timestamp("ns", "UTC"), "timestamp"),
        (pa.list_(pa.string()), None),
        (pa.binary(), None),
        (pa.null(), None),
    ],
)
def test_the_plain_type_of_a_column(kind, name):
    """One that holds its values; none of lists, bytes and NULL alone."""
    assert type_name(kind) == name
