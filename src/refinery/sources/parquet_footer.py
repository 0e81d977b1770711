"""The footer of a Parquet file of very many columns, without those that its source does not ask for.

Arrow's form of a footer takes some fifteen times its bytes, 275 MB for 100,000 columns of one row group. So a large
footer is cut before Arrow gets it: the elements of its schema, the column chunks of its row groups and Arrow's own
schema in it. Row groups keep their sizes, so that files are cut and read in batches as they always are.
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from refinery.sources.documents import SourceSpec
from refinery.sources.page_headers import Field, Structure, integer, write_structure, write_varint
from refinery.sources.source_schema import asked_names

LARGE = 2**21  # bytes of a footer that is cut
_MAGIC = b"PAR1"
_SCHEMA, _ROW_GROUPS, _KEY_VALUES, _COLUMN_ORDERS, _ENCRYPTION = 2, 4, 5, 7, 8  # fields of FileMetaData
_NAME, _CHILDREN = 4, 5  # of SchemaElement
_CHUNKS, _SORTING = 1, 4  # of RowGroup, the latter by numbers of columns
_KEY, _VALUE = 1, 2  # of KeyValue
_ARROW_SCHEMA = b"ARROW:schema"
_STRUCTURES = 12  # kind of elements


def narrow_metadata(source: Any, spec: SourceSpec, large: int = LARGE) -> pq.FileMetaData | None:
    """The metadata of a file with the columns that its source asks for, and no others.

    None where the footer has at most `large` bytes or is damaged, encrypted or signed, where the source carries all
    columns, and where one that it needs is missing: then all of it is to be read, which tells what is wrong.
    """
    if spec.keep is None:
        return None
    source.seek(0, 2)
    size = source.tell()
    source.seek(max(0, size - 8))
    tail = bytes(source.read(8))
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or not large < length <= size - 12:
        return None
    source.seek(size - 8 - length)
    try:
        cut = _cut(_Footer(np.frombuffer(source.read(length), np.uint8)), spec)
    except (ValueError, KeyError, pa.ArrowException):  # of damage Arrow tells
        return None
    if cut is None:
        return None
    return pq.read_metadata(pa.BufferReader(_MAGIC + cut + len(cut).to_bytes(4, "little") + _MAGIC))


class _Tree(NamedTuple):
    """The columns: their names, and where in elements (after the root) and leaves each begins, with the end."""

    names: list[str]
    elements: list[int]
    leaves: list[int]


class _Place(NamedTuple):
    """A field's value: what it is, and where it lies in the footer."""

    kind: int
    start: int
    stop: int


class _Footer(NamedTuple):
    """The bytes of a footer, uint8; what is not as it should be raises ValueError."""

    data: NDArray[np.uint8]

    def fields(self, at: int) -> tuple[dict[int, _Place], int]:
        """The fields of a structure by their numbers, and where it ends."""
        from refinery.text.thrift import MAX_FIELDS, fields

        found = np.zeros((MAX_FIELDS, 4), np.int64)
        count, stop = fields(self.data, at, found)
        if stop < 0:
            raise ValueError("a structure has no end")
        return {number: _Place(*place) for number, *place in found[:count].tolist()}, stop

    def elements(self, place: _Place) -> NDArray[np.int64]:
        """Where the structures of a list begin, and where the last one ends."""
        from refinery.text.thrift import elements

        bounds = elements(self.data, place.start)
        if not len(bounds):
            raise ValueError("a list has no end")
        return bounds

    def members(self, starts: NDArray[np.int64], field: int) -> list[int]:
        """Where a field of each structure begins, -1 where it has none."""
        from refinery.text.thrift import members

        found: list[int] = members(self.data, starts, field).tolist()
        return found

    def number(self, at: int) -> int:
        """A number that is no less than 0 when its sign is folded into it, such as a length."""
        from refinery.text.thrift import varint

        value, stop = varint(self.data, at)
        if stop < 0:
            raise ValueError("a number has no end")
        return int(value)

    def binary(self, at: int) -> bytes:
        """What lies behind its length."""
        from refinery.text.thrift import varint

        size, begin = varint(self.data, at)
        return self.raw(begin, begin + size)

    def raw(self, start: int, stop: int) -> bytes:
        """So many bytes as they are."""
        return self.data[start:stop].tobytes()

    def structure(self, places: dict[int, _Place]) -> Structure:
        """Fields as they are, to be written again."""
        return {number: Field(p.kind, self.raw(p.start, p.stop)) for number, p in places.items()}


def _cut(footer: _Footer, spec: SourceSpec) -> bytes | None:
    places, stop = footer.fields(0)
    if _ENCRYPTION in places or stop != len(footer.data):
        return None
    elements = footer.elements(places[_SCHEMA])
    tree = _tree(footer, elements)
    if (kept := _kept(tree.names, spec)) is None:
        return None
    left = places.keys() - {_SCHEMA, _ROW_GROUPS, _KEY_VALUES, _COLUMN_ORDERS}
    whole = footer.structure({number: places[number] for number in left})
    root = footer.structure(footer.fields(int(elements[0]))[0]) | {_CHILDREN: integer(len(kept))}
    spans = [(1 + tree.elements[n], 1 + tree.elements[n + 1]) for n in kept]
    whole[_SCHEMA] = _list_of([write_structure(root), *_between(footer, elements, spans)])
    leaves = [(tree.leaves[n], tree.leaves[n + 1]) for n in kept]
    groups = footer.elements(places[_ROW_GROUPS])[:-1].tolist()
    whole[_ROW_GROUPS] = _list_of([_group(footer, at, leaves) for at in groups])
    if _KEY_VALUES in places:
        pairs = footer.elements(places[_KEY_VALUES])[:-1].tolist()
        whole[_KEY_VALUES] = _list_of([_pair(footer, at, kept, len(tree.names)) for at in pairs])
    return write_structure(whole)


def _tree(footer: _Footer, elements: NDArray[np.int64]) -> _Tree:
    names = footer.members(elements[:-1], _NAME)
    counts = [footer.number(at) >> 1 if at >= 0 else 0 for at in footer.members(elements[:-1], _CHILDREN)]
    tree = _Tree([], [], [])
    open_below = leaves = 0  # elements that are still to come below the column
    for number in range(1, len(counts)):
        if open_below == 0:
            tree.names.append(footer.binary(names[number]).decode())
            tree.elements.append(number - 1)
            tree.leaves.append(leaves)
            open_below = 1
        open_below += counts[number] - 1
        leaves += counts[number] == 0
    if open_below or counts[:1] != [len(tree.names)]:
        raise ValueError("the elements of the schema are no tree")
    tree.elements.append(len(counts) - 1)
    tree.leaves.append(leaves)
    return tree


def _kept(names: Sequence[str], spec: SourceSpec) -> list[int] | None:
    """The columns that a source can ask for; None where it needs one that is missing, or there are two of a name."""
    there = dict(zip(names, range(len(names)), strict=True))
    needed = (*spec.texts, *([spec.id] if spec.id else []))
    is_whole = all(there.keys() & {name, name.partition(".")[0]} for name in needed)
    asked = asked_names(spec)
    if asked is None or not is_whole or len(there) < len(names):
        return None
    return sorted(there[name] for name in asked & there.keys())


def _group(footer: _Footer, at: int, leaves: Sequence[tuple[int, int]]) -> bytes:
    """A row group with some of its column chunks."""
    places, _ = footer.fields(at)
    chunks = footer.elements(places[_CHUNKS])
    places.pop(_SORTING, None)
    return write_structure(footer.structure(places) | {_CHUNKS: _list_of(_between(footer, chunks, leaves))})


def _between(footer: _Footer, bounds: NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """The elements of a list from one number to another."""
    numbers = [number for start, stop in spans for number in range(start, stop)]
    if numbers and numbers[-1] + 1 >= len(bounds):
        raise ValueError("there are fewer elements than columns")
    return [footer.raw(bounds[number], bounds[number + 1]) for number in numbers]


def _pair(footer: _Footer, at: int, kept: Sequence[int], columns: int) -> bytes:
    """A key with its value, Arrow's schema with some of its columns."""
    places, stop = footer.fields(at)
    if footer.binary(places[_KEY].start) != _ARROW_SCHEMA:
        return footer.raw(at, stop)
    content = base64.b64decode(footer.binary(places[_VALUE].start))
    schema = pa.ipc.read_schema(pa.BufferReader(content))
    if len(schema) != columns:
        raise ValueError("the two schemas differ")
    few = pa.schema([schema.field(number) for number in kept], schema.metadata).serialize()
    text = base64.b64encode(few)
    return write_structure(
        footer.structure(places) | {_VALUE: Field(places[_VALUE].kind, write_varint(len(text)) + text)}
    )


def _list_of(structures: Sequence[bytes]) -> Field:
    count = len(structures)
    head = (
        bytes([count << 4 | _STRUCTURES]) if count < 15 else bytes([0xF0 | _STRUCTURES]) + write_varint(count)
    )
    return Field(9, head + b"".join(structures))
