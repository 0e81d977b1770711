"""Ids of any type."""

import json
import uuid

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.documents import Shard
from refinery.sources.ids import (
    common_id_type,
    id_texts,
    listed_ids,
    minted_ids,
    places_of,
    with_minted,
    with_type,
)


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


def test_extension_types_are_told_as_people_write_them():
    """A UUID is its 36 characters, JSON is itself, whether in an array or in chunks."""
    names = [uuid.UUID(int=7), None, uuid.UUID(int=2**100)]
    raw = pa.array([name and name.bytes for name in names], pa.uuid())
    assert id_texts(raw).to_pylist() == [name and str(name) for name in names]
    assert id_texts(pa.chunked_array([raw, raw])).to_pylist() == [name and str(name) for name in names] * 2
    assert id_texts(pa.array(['{"a":1}', None], pa.json_())).to_pylist() == ['{"a":1}', None]
    assert common_id_type([pa.uuid(), pa.uuid()]) == pa.uuid()
    assert with_type(raw, pa.uuid()) == raw
    assert with_type(raw, pa.string()) == id_texts(raw)


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


def shard(**fields):
    known = {
        "source": "s",
        "path": "/d/a.parquet",
        "relative_path": "a.parquet",
        "format": "parquet",
        "start": 0,
    }
    rest = {"stop": -1, "index": 0, "rows": None, "bytes": 1, "identity": ""}
    return Shard(**(known | rest | fields))


@pytest.mark.parametrize(
    ("fields", "place", "first"),
    [
        ({}, "a.parquet", 0),
        ({"path": "/elsewhere/a.parquet"}, "a.parquet", 0),
        ({"start": 3, "first_row": 300}, "a.parquet", 300),
        ({"format": "jsonl", "start": 1000, "first_row": 40}, "a.parquet", 40),
    ],
)
def test_an_id_is_the_hash_of_the_relative_path_and_the_row(fields, place, first):
    """16 hex digits of xxh3-64 and the row in the file, wherever the file is cut."""
    digest = xxhash.xxh3_64_hexdigest(place.encode())
    assert minted_ids(shard(**fields), np.array([0, 7])).to_pylist() == [
        f"{digest}-{first}",
        f"{digest}-{first + 7}",
    ]


def test_ids_are_minted_only_where_there_is_none():
    """Those of the source stay as they are, NULL too; what a shard lists is told by its rows in the file."""
    file = shard(format="jsonl", start=1000, first_row=40)
    ids, minted = pa.array(["a", None, None], pa.string()), np.array([False, False, True])
    digest = xxhash.xxh3_64_hexdigest(b"a.parquet")
    assert with_minted(file, np.array([0, 2, 5]), ids, minted).to_pylist() == ["a", None, f"{digest}-45"]
    assert with_minted(file, np.array([0]), pa.array([7]), np.array([False])).equals(pa.array([7]))
    listing = pa.table({"row": [0, 2, 5], "id": ids, "minted": minted})
    for one in (listing, *listing.to_batches()):
        assert listed_ids(file, one).to_pylist() == ["a", None, f"{digest}-45"]
    places = [column.to_pylist() for column in places_of(file, np.array([0, 2, 5]))]
    assert places == [[file.source] * 3, ["a.parquet"] * 3, [40, 42, 45]]
