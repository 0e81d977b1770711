"""What `refinery find` is asked: texts, and what they are called."""

from __future__ import annotations

import os
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from refinery.errors import InputError
from refinery.sources.documents import Shard, SourceSpec
from refinery.sources.read import read_documents
from refinery.sources.shards import list_shards
from refinery.storage.place import unreadable

# What is a file's name at first sight: one word with a slash, or with an ending of what can be read.
_NAME = re.compile(r"\S*/\S*|\S+\.(txt|md|jsonl|ndjson|parquet)(\.\w+)?")
_ROWS = re.compile(r"\.(jsonl|ndjson|parquet)(\.\w+)?$", re.IGNORECASE)  # names of files with a text a row


@dataclass(frozen=True)
class Question:
    """A text to look for, and what it is called."""

    name: str
    text: str


def questions_of(text: str) -> list[Question]:
    """What an argument stands for: a text, a file of text, one with a text in each row, `-` for standard input.

    Raises InputError for a file that cannot be read or is no text.
    """
    if text == "-":
        return [Question("standard input", _decoded("standard input", sys.stdin.buffer.read()))]
    try:
        file = Path(text)
        if not file.is_file():
            if text and (file.is_dir() or (_NAME.fullmatch(text) and not file.exists())):
                hint = "a text that looks like a file's name is read from standard input: -"
                raise InputError(text, "is a folder" if file.is_dir() else "there is no such file", hint)
            raise ValueError
    except (OSError, ValueError):  # too long for a name, or with characters that no name has
        return [Question(textwrap.shorten(text, 60, placeholder=" …"), _decoded("TEXT", os.fsencode(text)))]
    if not _ROWS.search(file.name):
        try:
            return [Question(text, _decoded(text, file.read_bytes()))]
        except OSError as error:
            raise unreadable(text, error) from None
    spec = SourceSpec("questions", (str(file.absolute()),), on_error="fail")
    return [question for shard in list_shards(spec).shards for question in _rows(shard, spec, text)]


def _rows(shard: Shard, spec: SourceSpec, name: str) -> Iterator[Question]:
    for batch in read_documents(shard, spec):
        for reject in batch.rejects:
            raise InputError(f"{name}, row {reject.row}", f"{reject.reason}: {reject.detail}".rstrip(": "))
        for row, text in zip(batch.rows.tolist(), batch.text.to_pylist(), strict=True):
            yield Question(f"{name}, row {row}", text)


def _decoded(place: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(place, f"not UTF-8 text (byte {error.start})") from None
