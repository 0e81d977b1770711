"""Definitions that a command writes: written again by another call, never where a person has changed them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from refinery.errors import InputError, RefineryError
from refinery.storage.commit import commit_bytes, make_directory


def write_generated(file: Path, command: str, content: str, elsewhere: str) -> None:
    """Writes a definition below a line that tells whether it was changed since.

    command: that writes it; elsewhere: how to have it written to another place. Raises InputError where the file
    is not byte for byte what the command has written.
    """
    if file.exists() and not _is_generated(file.read_bytes(), command):
        problem = f"is not one that `{command}` wrote, or was changed since: it is left as it is"
        raise InputError(str(file), problem, f"go on with `refinery run {file}`, or {elsewhere}")
    make_directory(file.parent)
    written = content.encode()
    commit_bytes(file, _head(command, written) + written)


@contextmanager
def put_back(file: Path) -> Iterator[None]:
    """Whatever a file had before, it has again if what is done here fails; a file that is new stays."""
    before = file.read_bytes() if file.is_file() else None
    try:
        yield
    except RefineryError:
        if before is not None and file.read_bytes() != before:
            commit_bytes(file, before)
        raise


def _is_generated(content: bytes, command: str) -> bool:
    _, end, rest = content.partition(b"\n")
    return content == _head(command, rest) + rest and bool(end)


def _head(command: str, rest: bytes) -> bytes:
    told = f"# Written by `{command}`, which writes it again as long as nothing is changed"
    return f"{told} ({xxhash.xxh3_64_hexdigest(rest)}).\n".encode()
