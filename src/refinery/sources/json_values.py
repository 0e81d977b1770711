"""Cutting JSON that is no JSON Lines into its rows: an array, objects laid out over lines, or one after another.

A value is found by its brackets and quotes alone, so that one that is broken inside spoils no other, and each is then
parsed as a line of JSON Lines is, with the same numbers and the same rejects. A parser of streams (ijson) takes half
the time on documents of 2 KB, but wraps or rounds numbers, knows no NaN, and ends at the first mistake.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from refinery.sources import json_line

# what stands between values; a byte order mark is there where files were joined
_BETWEEN = re.compile(rb"(?:[\s,\[\]]|\xef\xbb\xbf)*+")
_INSIDE = re.compile(
    rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+', re.DOTALL
)  # strings are passed over
_STRING = re.compile(rb"[^\"\\]*+(?:\\.[^\"\\]*+)*+", re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\[\]{}\"]++")
_FIRST = re.compile(rb'(?:\xef\xbb\xbf|\s)*(\[\s*)*\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})')


class UnfinishedError(Exception):
    """The content ends inside of a value or an array; all whole values have been given."""


def looks_like_json(head: bytes) -> bool:
    """Whether content that begins so is JSON objects, in lines, in an array or otherwise."""
    return _FIRST.match(head) is not None


def is_laid_out(head: bytes) -> bool:
    """Whether JSON that begins so is no JSON Lines: an array, an object over lines, or several objects in one."""
    found = _FIRST.match(head)
    if not found or found[1]:
        return found is not None
    start = found.start() + head.index(b"{")
    line, newline, _ = head[start:].partition(b"\n")
    if json_line.is_json(line):
        return False
    first = next(values([head[start:]], len(head), partial=True), b"")
    if not isinstance(first, bytes) or not first:  # longer than what is seen
        return bool(newline) and line.rstrip()[-1:] in b"{[,"
    return json_line.is_json(first) and (
        len(first) > len(line) or head[start + len(first) :].lstrip()[:1] == b"{"
    )


def values(blocks: Iterable[bytes], limit: int, *, partial: bool = False) -> Iterator[bytes | int]:
    """The values that stand in arrays or after one another, each as it is written; of one over `limit` its bytes.

    Raises UnfinishedError at the end of content that is cut off, unless it is `partial`.
    """
    cutter = _Cutter(limit)
    for block in blocks:
        yield from cutter.values(block)
    yield from cutter.values(b"", last=True)
    if not partial:
        cutter.verify_ended()


class _Cutter:
    """Where the content is: how deep in brackets, in a string or not, and what is held of the value."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._arrays = 0  # around the value
        self._depth = 0  # inside of it
        self._in_string = False
        self._held: list[bytes] = []
        self._size = 0
        self._rest = b""

    def values(self, block: bytes, *, last: bool = False) -> Iterator[bytes | int]:
        """The values that end in this block."""
        data, at, start = self._rest + block, 0, 0
        self._rest = b""
        while at < len(data):
            if self._depth or self._in_string:
                at = self._inside(data, at)
                if self._depth or self._in_string:
                    break
                yield self._ended(data[start:at])
                continue
            found = _BETWEEN.match(data, at)
            at = start = found.end()  # type: ignore[union-attr]
            between = found[0]  # type: ignore[index]
            self._arrays += between.count(b"[") - between.count(b"]")
            if data[at : at + 1] in {b"{", b'"'}:
                self._depth, self._in_string = int(data[at] == ord("{")), data[at] == ord('"')
                at += 1
            elif scalar := _SCALAR.match(data, at):
                if scalar.end() == len(data) and not last and len(scalar[0]) < self._limit:
                    break
                at = scalar.end()
                yield self._ended(scalar[0])
            elif at < len(data):  # a bracket that closes nothing
                at += 1
                yield self._ended(data[start:at])
        if self._depth or self._in_string:
            self._hold(data[start : len(data) - len(self._rest)])
        elif at < len(data):
            self._rest = data[at:]

    def verify_ended(self) -> None:
        """Raises UnfinishedError inside of a value or an array."""
        if self._depth or self._in_string or self._arrays > 0:
            raise UnfinishedError("the JSON ends early")

    def _inside(self, data: bytes, at: int) -> int:
        """Where the value ends, or the data; a backslash at its end is left for the next block."""
        while at < len(data):
            if self._in_string:
                at = _STRING.match(data, at).end()  # type: ignore[union-attr]
                if at == len(data):
                    return at
                if data[at] != ord('"'):
                    self._rest = data[at:]
                    return at
                at, self._in_string = at + 1, False
            else:
                at = _INSIDE.match(data, at).end()  # type: ignore[union-attr]
                if at == len(data):
                    return at
                mark = data[at]
                at += 1
                self._in_string = mark == ord('"')
                self._depth += 1 if mark in b"{[" else -1 if mark in b"}]" else 0
            if not self._depth and not self._in_string:
                return at
        return at

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        self._held = [*self._held, piece] if self._size <= self._limit else []

    def _ended(self, piece: bytes) -> bytes | int:
        size, held = self._size + len(piece), self._held
        self._size, self._held = 0, []
        return size if size > self._limit else b"".join([*held, piece])
