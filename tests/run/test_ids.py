"""Ids of any type."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.storage.ids import common_id_type, id_texts, with_type


@pytest.mark.parametrize(
    ("types", "common"),
    [
        ([], pa.string()),
        ([pa.null()], pa.string()),
        ([pa.null(), pa.int32()], pa.int32()),
        ([pa.int32(), pa.int64(), pa.int32()], pa.int64()),
        ([pa.string(), pa.large_string()], pa.large_string()),
        ([pa.int64(), pa.string()], pa.string()),
        ([pa.binary(), pa.binary()], pa.binary()),
        ([pa.binary(), pa.string()], pa.string()),
        ([pa.float64(), pa.int64()], pa.string()),
    ],
)
def test_ids_keep_the_type_that_all_sources_can_have(types, common):
    """Of integers and of strings the wider; of anything else only one that all have."""
    assert common_id_type(types) == common_id_type(reversed(types)) == common


@given(st.lists(st.none() | st.binary(max_size=6)))
def test_bytes_are_told_as_text_or_as_hex(values):
    """NULL stays NULL; what is UTF-8 is read as it is."""
    for value, told in zip(values, id_texts(pa.array(values, pa.binary())).to_pylist(), strict=True):
        if value is None:
            assert told is None
        else:
            is_text = value.decode(errors="ignore").encode() == value
            assert told == (value.decode() if is_text else value.hex())


def test_nested_ids_are_told_as_json():
    """Whatever they hold; numbers as their digits."""
    values = [{"a": 1, "b": ["x", None]}, None]
    found = id_texts(pa.array(values)).to_pylist()
    assert [found[0] and json.loads(found[0]), found[1]] == values
    assert id_texts(pa.array([7, None, -1])).to_pylist() == ["7", None, "-1"]


def test_ids_of_several_types_meet_in_one():
    """In the common type of their output nothing is lost."""
    arrays = [pa.array([1, 2], pa.int32()), pa.array(["a", None]), pa.array([b"\xff", b"b"])]
    kind = common_id_type(array.type for array in arrays)
    assert [with_type(array, kind).to_pylist() for array in arrays] == [["1", "2"], ["a", None], ["ff", "b"]]
    assert with_type(arrays[0], pa.int64()).type == pa.int64()
