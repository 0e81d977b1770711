"""Arrays in plain types, by what Arrow itself gives for their values."""

import uuid

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.decoding import decoded, uuid_texts
from refinery.sources.types import plain

UUIDS = st.lists(st.none() | st.uuids(), max_size=20)


def as_uuids(values):
    return pa.array([value and value.bytes for value in values], pa.uuid())


def texts(value):
    """What a value of UUIDs is as text, at any depth."""
    if isinstance(value, list):
        return [texts(one) for one in value]
    if isinstance(value, tuple):
        return tuple(texts(one) for one in value)
    if isinstance(value, dict):
        return {key: texts(one) for key, one in value.items()}
    return str(value) if isinstance(value, uuid.UUID) else value


@given(UUIDS, st.integers(0, 5))
def test_a_uuid_is_its_36_characters(values, start):
    """As Python writes it, of any part of an array."""
    array = as_uuids(values).slice(start)
    found = uuid_texts(array)
    found.validate(full=True)
    assert (found.type, found.to_pylist()) == (
        pa.string(),
        [value and str(value) for value in values[start:]],
    )
    assert decoded(array) == found


NAMES = as_uuids([uuid.UUID(int=n << 64) if n % 3 else None for n in range(8)])
MASK = pa.array([False, True, False, False])
NESTED = {
    "list": pa.ListArray.from_arrays([0, 2, 2, 5, 8], NAMES, mask=MASK),
    "large": pa.LargeListArray.from_arrays([0, 2, 2, 5, 8], NAMES, mask=MASK),
    "fixed": pa.FixedSizeListArray.from_arrays(NAMES, 2, mask=MASK),
    "struct": pa.StructArray.from_arrays([NAMES[:4], pa.array(range(4))], ["id", "n"], mask=MASK),
    "map": pa.MapArray.from_arrays(
        pa.array([0, 2, 2, 5, 8], pa.int32()), pa.array("abcdefgh"), NAMES, mask=MASK
    ),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([1, None, 1, 0]), NAMES[1:3]),
    "lists": pa.ListArray.from_arrays([0, 1, 2, 2, 4], pa.ListArray.from_arrays([0, 2, 2, 5, 8], NAMES)),
    "json": pa.ListArray.from_arrays(
        [0, 1, 1, 2, 3], pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a":1}', None, "2"]))
    ),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0, 2], pa.int8())),
    "view": pa.array(["a", None, "b" * 20, ""], pa.string_view()),
}


@pytest.mark.parametrize("name", NESTED)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_uuids_are_texts_wherever_they_stand(name, start):
    """Inside of lists and objects of any kind, NULL or in a part of them; JSON is its text."""
    array = NESTED[name].slice(start)
    found = decoded(array)
    found.validate(full=True)
    assert found.type == plain(array.type)
    assert found.to_pylist() == texts(array.to_pylist())
    assert decoded(found) is found
