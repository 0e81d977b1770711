"""Which element of an XML file may be its documents, and where their text lies: a proposal from the file's head."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple
from xml.etree.ElementTree import ParseError, XMLParser

Path = tuple[str, ...]
_MOST = 0.5  # of all words: an element with as many stands for the file
_SENTENCE = 3  # words: elements that have fewer on average are data about a document
_PARTS = {
    "p",
    "para",
    "paragraph",
    "s",
    "l",
    "lg",
    "seg",
    "sec",
    "section",
    "div",
    "chapter",
    "line",
    "sentence",
    "w",
}
_ABOUT = re.compile("header|meta|annotation", re.IGNORECASE)  # what such elements are called


class Record(NamedTuple):
    """An element by its path, and the paths of its text below it."""

    record: str
    text: tuple[str, ...]


def propose_record(heads: Iterable[bytes]) -> Record | None:
    """The outermost element that comes again and again in a file and holds most of the text, else the file's own.

    heads: of some files that are alike. An element that is a part of a document by its name is none. Its text are the
    parts that have sentences; None where there is no text that is XML's.

    >>> propose_record([b"<a><page><n/><p>Of two words.</p></page><page><n/><p>Of more words.</p></page></a>"])
    Record(record='/a/page', text=('p',))
    """
    seen = _Seen()
    for head in heads:
        seen.begin_file()
        parser = XMLParser(target=seen)
        with suppress(ParseError, ValueError, LookupError):  # it ends in the middle
            parser.feed(head)
    if not seen.words:
        return None
    root = next(iter(seen.words))[:1]
    most = [path for path in seen.repeated if seen.words[path] >= _MOST * seen.words[root]]
    record = min(most, key=len, default=root)
    if record[-1].lower() in _PARTS:
        record = root
    texts = tuple(".".join(path[len(record) :]) for path in _texts(record, seen))
    return Record("/" + "/".join(record), texts or ("text",))


def _texts(record: Path, seen: _Seen) -> list[Path]:
    """The children that have sentences rather than dates and names; of a single one, which comes once, its own."""
    path = record
    while True:
        below = [p for p in seen.words if len(p) == len(path) + 1 and p[: len(path)] == path]
        parts = [p for p in below if seen.words[p] >= _SENTENCE * seen.counts[p] and not _ABOUT.search(p[-1])]
        if len(parts) != 1 or seen.counts[parts[0]] > seen.counts[path]:
            break
        path = parts[0]
    return parts if path == record else [path]


class _Seen:
    """Takes a file's elements: how often each path comes, and the words below it."""

    def __init__(self) -> None:
        self.counts = Counter[Path]()
        self.words = Counter[Path]()
        self.repeated: dict[Path, None] = {}  # within one file
        self.begin_file()

    def begin_file(self) -> None:
        """Elements that follow are of another file."""
        self._path: Path = ()
        self._here = set[Path]()

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins; its attributes are like children of it."""
        self._path = (*self._path, tag.rpartition("}")[2])
        self.counts[self._path] += 1
        if self._path in self._here:
            self.repeated[self._path] = None
        self._here.add(self._path)
        for name, value in attributes.items():
            self._path = (*self._path, name.rpartition("}")[2])
            self.counts[self._path] += 1
            self.data(value)
            self._path = self._path[:-1]

    def data(self, text: str) -> None:
        """Text inside of an element counts for all around it."""
        if count := len(text.split()):
            for depth in range(1, len(self._path) + 1):
                self.words[self._path[:depth]] += count

    def end(self, _tag: str) -> None:
        """An element ends."""
        self._path = self._path[:-1]
