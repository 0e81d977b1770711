"""Structures of Thrift's compact protocol are found in their bytes, against the reader of page headers in Python."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from refinery.sources.page_headers import Field, read_structure, write_structure, write_varint
from refinery.text.thrift import MAX_FIELDS, elements, end, fields, members, varint

KINDS = st.one_of(
    st.builds(Field, st.sampled_from([1, 2]), st.just(b"")),
    st.builds(Field, st.just(3), st.binary(min_size=1, max_size=1)),
    st.builds(Field, st.sampled_from([4, 5, 6]), st.integers(-(2**61), 2**61)),
    st.builds(Field, st.just(7), st.binary(min_size=8, max_size=8)),
    st.builds(Field, st.just(8), st.binary(max_size=200).map(lambda b: write_varint(len(b)) + b)),
)
STRUCTURES = st.recursive(
    st.dictionaries(st.integers(1, 60), KINDS, max_size=5),
    lambda inner: st.dictionaries(
        st.integers(1, 60),
        st.one_of(
            KINDS,
            st.builds(Field, st.just(12), inner),
            st.lists(inner, max_size=20).map(lambda many: Field(9, list_of(many))),
        ),
        max_size=4,
    ),
    max_leaves=20,
)


def list_of(structures) -> bytes:
    count = len(structures)
    head = bytes([count << 4 | 12]) if count < 15 else b"\xfc" + write_varint(count)
    return head + b"".join(map(write_structure, structures))


def array(content: bytes):
    return np.frombuffer(content, np.uint8)


def found_in(content: bytes):
    """Numbers with what lies there, and the end."""
    found = np.zeros((MAX_FIELDS, 4), np.int64)
    count, stop = fields(array(content), 0, found)
    return {number: (kind, content[a:b]) for number, kind, a, b in found[:count].tolist()}, stop


@settings(max_examples=25)
@given(STRUCTURES, st.binary(max_size=20))
def test_fields_lie_where_they_were_written(structure, rest):
    """Whatever follows: each with its kind and its bytes, from which the structure is written again."""
    content = write_structure(structure)
    found, stop = found_in(content + rest)
    assert (stop, found.keys()) == (len(content), structure.keys())
    assert write_structure({number: Field(*one) for number, one in found.items()}) == content
    assert end(array(content + rest), 0, 12) == len(content)


@settings(max_examples=25)
@given(st.lists(STRUCTURES, min_size=1, max_size=30))
def test_elements_of_a_list_and_one_field_of_each(structures):
    """Bounds of each, and where a field begins."""
    content = list_of(structures)
    bounds = elements(array(content), 0).tolist()
    pieces = [content[a:b] for a, b in pairwise(bounds)]
    assert pieces == list(map(write_structure, structures))
    places = members(array(content), np.array(bounds[:-1]), 7)
    assert [at >= 0 for at in places] == [7 in one for one in structures]
    for at, one in zip(places, structures, strict=True):
        if isinstance(value := one.get(7, Field(0, b"")).value, bytes):
            assert content[at:].startswith(value)


def test_a_header_of_a_page_is_the_same_in_python():
    """A structure in a structure, negative numbers, fields far from each other."""
    inner = {1: Field(5, -3), 40: Field(6, 2**40)}
    content = write_structure({2: Field(12, inner), 3: Field(8, write_varint(3) + b"abc")})
    source = iter(content)
    read = read_structure(lambda size: bytes(next(source) for _ in range(size)))
    assert found_in(content)[0].keys() == read.keys() == {2, 3}
    assert varint(array(write_varint(2**62)), 0) == (2**62, 9)


@settings(max_examples=25)
@given(STRUCTURES.map(write_structure) | st.binary(max_size=300), st.data())
def test_nothing_is_read_beyond_damaged_bytes(content, data):
    """Cut anywhere or made up: ends lie in the bytes, or there are none."""
    cut = array(content[: data.draw(st.integers(0, len(content)))])
    found = np.zeros((MAX_FIELDS, 4), np.int64)
    count, stop = fields(cut, 0, found)
    assert -1 <= stop <= len(cut)
    assert (found[:count, 3] <= len(cut)).all()
    assert elements(cut, 0).max(initial=0) <= len(cut)
    assert -1 <= end(cut, 0, 12) <= len(cut)
    assert -1 <= varint(cut, 0)[1] <= len(cut)
