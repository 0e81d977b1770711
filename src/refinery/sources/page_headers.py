"""Headers of Parquet pages: structures in Thrift's compact protocol, read and written without their definition.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Read = Callable[[int], bytes]  # so many bytes of a stream
TYPE, UNPACKED, PACKED, CHECKSUM, DATA, DICTIONARY, DATA_V2 = 1, 2, 3, 4, 5, 7, 8  # fields of a header
DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 1, 2, 3

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS = frozenset({4, 5, 6})
_I32 = 5


class Field(NamedTuple):
    """A value with its type; a nested structure is a dictionary, what is copied as it is are bytes."""

    kind: int
    value: Structure | bytes | int


Structure = dict[int, Field]  # by the numbers of fields


def number(structure: Structure, field: int, missing: int = -1) -> int:
    """A field that is an integer or a boolean."""
    one = structure.get(field)
    return one.value if one is not None and isinstance(one.value, int) else missing


def integer(value: int) -> Field:
    """An i32."""
    return Field(_I32, value)


def read_structure(read: Read) -> Structure:
    """The structure that begins a stream; raises ValueError where there is none."""
    found: Structure = {}
    last = 0
    while head := _byte(read):
        last = last + (head >> 4) if head >> 4 else _zigzag(_varint(read))
        kind = head & 15
        found[last] = Field(kind, _value(kind, read))
    return found


def write_structure(structure: Structure) -> bytes:
    """The bytes of a structure."""
    written, last = bytearray(), 0
    for field, (kind, value) in sorted(structure.items()):
        if 0 < field - last < 16:
            written.append((field - last) << 4 | kind)
        else:
            written += bytes([kind]) + write_varint(field << 1)
        last = field
        if isinstance(value, dict):
            written += write_structure(value)
        elif isinstance(value, bytes):
            written += value
        elif kind in _INTEGERS:
            written += write_varint(value << 1 if value >= 0 else (-value << 1) - 1)
    return bytes(written + b"\0")


def write_varint(value: int) -> bytes:
    """A number of seven bits a byte, the lowest ones first."""
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _value(kind: int, read: Read) -> Structure | bytes | int:
    if kind in {_TRUE, _FALSE}:
        return int(kind == _TRUE)
    if kind in _INTEGERS:
        return _zigzag(_varint(read))
    if kind == _STRUCT:
        return read_structure(read)
    if kind == _BINARY:
        size = _varint(read)
        return write_varint(size) + read(size)
    if kind in {_BYTE, _DOUBLE}:
        return read(1 if kind == _BYTE else 8)
    raise ValueError(f"a field of type {kind} in the header of a page")


def _byte(read: Read) -> int:
    one = read(1)
    if not one:
        raise ValueError("the header of a page ends early")
    return one[0]


def _varint(read: Read) -> int:
    value = shift = 0
    while (byte := _byte(read)) & 128:
        value |= (byte & 127) << shift
        shift += 7
        if shift > 63:
            raise ValueError("a number in the header of a page has no end")
    return value | byte << shift


def _zigzag(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
