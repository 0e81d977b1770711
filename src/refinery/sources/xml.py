"""Reading XML: each element that `record` names is a row, streamed, with namespaces left out.

What is below a record is read as JSON would write it: a child by its name, several of one name as a list, an
attribute of an element with a text as `NAME@ATTRIBUTE`, and so those of what is around the record. The text of an
element is what lies below it: elements without a text of their own are set apart by blank lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from html.entities import name2codepoint
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

import orjson
import pyarrow as pa

from refinery.errors import InputError
from refinery.sources import compression
from refinery.sources.digest import PartDigest
from refinery.sources.documents import FilePlan, Reject, Shard, SourceSpec
from refinery.sources.encoding import as_utf8
from refinery.sources.identity import HEAD
from refinery.sources.rows import Row
from refinery.storage.place import open_input, unreadable
from refinery.storage.url import redact

_ENTITIES = {
    name: chr(code) for name, code in name2codepoint.items()
}  # of HTML, which DTDs elsewhere declare
_FEED = 2**16
_LISTED = 12  # names of elements that a message lists


def plan(whole: Shard, spec: SourceSpec, head: Callable[[], bytes], shard_bytes: int) -> FilePlan:
    """One shard; raises InputError when no record is named, or a file that is seen whole has none."""
    content = head()
    records = _Records(spec)
    with suppress(ParseError, ValueError, LookupError):  # reading it will tell
        records.feed(content)
    names = ", ".join(list(records.names)[:_LISTED])
    if spec.record is None:
        hint = f"set `record` to the name of a document's element; there is {names}"
        raise InputError(redact(whole.path), "XML is read by records, and none is named", hint)
    if len(content) < HEAD and not records.count:
        raise InputError(redact(whole.path), f"there is no element {spec.record!r}", f"there is {names}")
    return FilePlan.uncut(whole, pa.schema([]))


def rows(shard: Shard, spec: SourceSpec, digest: PartDigest | None) -> Iterator[Row]:
    """The records as rows; a file that is broken gives those before. Raises InputError when it cannot be read."""
    records, row = _Records(spec), 0
    try:
        with closing(open_input(shard.path)) as opened:
            raw = compression.blocks(digest.of_reads(opened) if digest else opened)
            for block in as_utf8(raw, spec.encoding):
                for at in range(0, len(block), _FEED):
                    records.feed(block[at : at + _FEED])
                    for found in records.taken():
                        yield row, found if isinstance(found, bytes) else Reject(row, *found)
                        row += 1
            records.finish()
    except (ParseError, ValueError, LookupError, compression.DamagedError) as error:
        for found in records.taken():
            yield row, found if isinstance(found, bytes) else Reject(row, *found)
            row += 1
        yield row, Reject(row, "truncated_file", f"{error}; what can be read ends before row {row}")
    except OSError as error:
        raise unreadable(shard.path, error) from None
    else:
        if not row:
            names = ", ".join(list(records.names)[:_LISTED])
            yield 0, Reject(0, "unreadable", f"there is no element {spec.record!r}; there is {names}")


class _Records:
    """Takes a file's bytes and gives its records; holds one of them, and the names of elements seen."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._wanted = tuple((spec.record or "").strip("/").split("/"))
        self._rooted = (spec.record or "").startswith("/")
        self._around: list[tuple[str, dict[str, str]]] = []
        self._builder: TreeBuilder | None = None
        self._depth = self._size = 0  # of the record that is open: elements, characters so far
        self._found: list[bytes | tuple[str, str]] = []
        self._parser = XMLParser(target=self, encoding="utf-8" if spec.encoding else None)
        self._parser.entity.update(_ENTITIES)
        self.names: dict[str, None] = {}
        self.count = 0

    def feed(self, block: bytes) -> None:
        """Raises ParseError where it is no XML."""
        self._parser.feed(block)

    def finish(self) -> None:
        """The end of the file; raises ParseError when elements are open."""
        self._parser.close()

    def taken(self) -> list[bytes | tuple[str, str]]:
        """The rows found since the last call: as JSON, or the reason and detail of a reject."""
        found, self._found = self._found, []
        return found

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = _local(tag)
        if not self._depth:
            if len(self.names) < _LISTED:
                self.names.setdefault(name)
            self._around.append((name, attributes))
            if not self._is_record():
                return
            self.count += 1
            self._around.pop()
            self._builder, self._size = TreeBuilder(), 0
        self._depth += 1
        self._grow(len(name) + sum(len(key) + len(value) for key, value in attributes.items()))
        if self._builder:
            self._builder.start(name, {_local(key): value for key, value in attributes.items()})

    def data(self, text: str) -> None:
        """Text inside of an element."""
        self._grow(len(text))
        if self._builder is not None:
            self._builder.data(text)

    def _grow(self, characters: int) -> None:
        """What is left of a record that is too long is not held."""
        self._size += characters
        if self._size > self._spec.max_document_bytes:
            self._builder = None

    def end(self, tag: str) -> None:
        """An element ends."""
        if not self._depth:
            self._around.pop()
            return
        self._depth -= 1
        if self._builder:
            self._builder.end(_local(tag))
        if self._depth:
            return
        written = None if self._builder is None else self._written(self._builder.close())
        if written is None or len(written) > self._spec.max_document_bytes:
            written = "oversize_row", f"the limit is {self._spec.max_document_bytes} bytes"
        self._found.append(written)
        self._builder = None

    def _is_record(self) -> bool:
        path = tuple(name for name, _ in self._around)
        same = path[-len(self._wanted) :] == self._wanted
        return same and (len(path) == len(self._wanted) or not self._rooted)

    def _written(self, record: Element) -> bytes | tuple[str, str]:
        try:
            return orjson.dumps(self._row(record))
        except (RecursionError, TypeError):
            return "too_deep", "its elements are nested too deep"

    def _row(self, record: Element) -> dict[str, Any]:
        row: dict[str, Any] = {
            f"{name}@{_local(key)}": value
            for name, attributes in self._around
            for key, value in attributes.items()
        }
        if _has_text(record):
            return row | record.attrib | {"text": text_of(record)}
        return row | _values(record, "", {*self._spec.texts, self._spec.id or "id"})


def text_of(element: Element) -> str:
    """The text below an element: of one with a text of its own all of it, of others the parts, by blank lines."""
    if _has_text(element) or not len(element):
        return "".join(element.itertext()).strip()
    return "\n\n".join(text for child in element if (text := text_of(child)))


def _values(element: Element, path: str, texts: set[str]) -> dict[str, Any]:
    """Attributes and children by name; what is one of the `texts` is text, whatever it consists of."""
    found: dict[str, list[Any]] = {}
    for child in element:
        place = f"{path}{child.tag}"
        as_text = place in texts or _has_text(child) or not (len(child) or child.attrib)
        value = (text_of(child) or None) if as_text else _values(child, f"{place}.", texts)
        found.setdefault(child.tag, []).append(value)
        if as_text:
            for key, attribute in child.attrib.items():
                found.setdefault(f"{child.tag}@{key}", []).append(attribute)
    values = {name: one[0] if len(one) == 1 else one for name, one in found.items()}
    return {(f"@{key}" if key in values else key): one for key, one in element.attrib.items()} | values


def _has_text(element: Element) -> bool:
    return bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
