"""Headers of pages, against the definition of Thrift's compact protocol."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refinery.sources.page_headers import Field, integer, number, read_structure, write_structure

INTEGERS = st.builds(Field, st.sampled_from([4, 5, 6]), st.integers(-(2**31), 2**31 - 1))
BOOLEANS = st.sampled_from([Field(1, 1), Field(2, 0)])
STRUCTURES = st.recursive(
    st.dictionaries(st.integers(1, 40), INTEGERS | BOOLEANS, max_size=4),
    lambda inner: st.dictionaries(
        st.integers(1, 40), INTEGERS | BOOLEANS | st.builds(Field, st.just(12), inner), max_size=4
    ),
    max_leaves=10,
)


@given(STRUCTURES)
def test_what_is_written_is_read(structure):
    """Fields in any distance, structures in structures."""
    assert read_structure(io.BytesIO(write_structure(structure)).read) == structure


def test_the_bytes_are_those_of_the_protocol():
    """An i32 is a field's distance and type, then a zigzag varint; a binary has its length, kept as it is."""
    written = bytes([0x15, 0x04, 0x15, 0xAC, 0x02, 0x58, 0x02]) + b"ab" + bytes([0x17]) + bytes(8) + b"\0"
    header = read_structure(io.BytesIO(written).read)
    assert (number(header, 1), number(header, 2), header[7]) == (2, 150, Field(8, b"\x02ab"))
    assert write_structure(header) == written
    assert write_structure({20: integer(-1)}) == bytes([0x05, 40, 1, 0])
    assert number(header, 3) == -1


@pytest.mark.parametrize("damaged", [b"", b"\x15", b"\x15" + b"\xff" * 12, b"\x1b\x00"])
def test_damage_is_an_error(damaged):
    """Cut off, a number without end, a type that no header has."""
    with pytest.raises(ValueError, match="header of a page"):
        read_structure(io.BytesIO(damaged).read)
